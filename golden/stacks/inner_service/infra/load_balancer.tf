# One load balancer spreads requests over the servers and leaves out those that fail
# their health check. By itself it lets nobody in and answers 404 to everything: the
# front door of the system brings the way in and the rule that forwards.

locals {
  load_balancer_address  = aws_lb.load_balancer.dns_name
  load_balancer_port     = 80
  load_balancer_protocol = "HTTP"

  # What requests of users are forwarded to, and the load balancer that speaks to the servers.
  load_balancer_target_group_arn = aws_lb_target_group.load_balancer.arn
  load_balancer_servers = {
    arn_suffix        = aws_lb.load_balancer.arn_suffix
    listener_arn      = aws_lb_listener.load_balancer.arn
    security_group_id = aws_security_group.load_balancer.id
  }

  # Headers that a request must carry to be forwarded, whatever rule forwards it.
  load_balancer_guards = {}

  # Where a request must come from for its X-Forwarded headers to be believed.
  load_balancer_trusted_proxies = [for subnet in aws_subnet.network_public : subnet.cidr_block]
}

resource "aws_security_group" "load_balancer" {
  name        = "${local.name}-load-balancer"
  description = "The load balancer of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-load-balancer" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_servers" {
  security_group_id            = local.load_balancer_servers.security_group_id
  description                  = "Requests and health checks to the servers"
  referenced_security_group_id = aws_security_group.servers.id
  ip_protocol                  = "tcp"
  from_port                    = local.servers_port
  to_port                      = local.servers_port
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer_servers" {
  security_group_id            = aws_security_group.servers.id
  description                  = "Requests and health checks from the load balancer"
  referenced_security_group_id = local.load_balancer_servers.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = local.servers_port
  to_port                      = local.servers_port
}

# Who asked for what, from where, and how long it took: needed after the fact, so
# written from the first day.
resource "aws_s3_bucket" "load_balancer_logs" {
  # checkov:skip=CKV_AWS_18,CKV_AWS_21,CKV_AWS_144,CKV2_AWS_62: what AWS writes once and lets expire needs no older versions, copies or notices, and logs of logs have no end
  # checkov:skip=CKV_AWS_145: load balancers can write to buckets with keys of S3, not with keys of KMS
  bucket_prefix = "${local.name}-logs-"

  # A load balancer that may be deleted may take its logs with it; else they stay.
  force_destroy = !var.load_balancer_deletion_protection
}

resource "aws_s3_bucket_public_access_block" "load_balancer_logs" {
  bucket = aws_s3_bucket.load_balancer_logs.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "load_balancer_logs" {
  bucket = aws_s3_bucket.load_balancer_logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "load_balancer_logs" {
  bucket = aws_s3_bucket.load_balancer_logs.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.load_balancer_log_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "load_balancer_logs" {
  statement {
    sid       = "LogsOfLoadBalancersOfThisAccount"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.load_balancer_logs.arn}/AWSLogs/${data.aws_caller_identity.current.account_id}/*"]

    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }

  statement {
    sid       = "NothingUnencrypted"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.load_balancer_logs.arn, "${aws_s3_bucket.load_balancer_logs.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "load_balancer_logs" {
  bucket = aws_s3_bucket.load_balancer_logs.id
  policy = data.aws_iam_policy_document.load_balancer_logs.json

  # S3 refuses changes to a bucket's policy and to its public access block at one time.
  depends_on = [aws_s3_bucket_public_access_block.load_balancer_logs]
}

resource "aws_lb" "load_balancer" {
  # checkov:skip=CKV2_AWS_20: there is no HTTPS to redirect to, for a certificate needs a domain
  # checkov:skip=CKV2_AWS_28: a web ACL is tuned to one application and costs money by the month and the request
  name               = local.name
  load_balancer_type = "application"
  security_groups    = [aws_security_group.load_balancer.id]
  subnets            = [for subnet in aws_subnet.network_public : subnet.id]

  drop_invalid_header_fields = true
  enable_deletion_protection = var.load_balancer_deletion_protection
  enable_zonal_shift         = true # so that a person can lead requests away from a zone that is ill
  idle_timeout               = var.load_balancer_idle_timeout_seconds

  access_logs {
    bucket  = aws_s3_bucket.load_balancer_logs.id
    enabled = true
  }

  # It tries to write a first file at once, and fails where it may not. A subnet it leaves
  # keeps its way to the internet until it has left.
  depends_on = [
    aws_route_table_association.network_public,
    aws_s3_bucket_policy.load_balancer_logs,
  ]
}

resource "aws_lb_target_group" "load_balancer" {
  # checkov:skip=CKV_AWS_378: from here to the servers requests stay inside the VPC, and nobody else reaches that port
  name                 = local.name
  port                 = local.servers_port
  protocol             = "HTTP"
  vpc_id               = aws_vpc.network.id
  deregistration_delay = var.load_balancer_drain_seconds

  # Requests differ in cost. Round robin goes on feeding a server that is stuck on
  # heavy ones; this gives the next request to the server with the fewest open.
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    path                = local.load_balancer_health_path
    interval            = var.load_balancer_health_check.interval_seconds
    timeout             = var.load_balancer_health_check.timeout_seconds
    healthy_threshold   = var.load_balancer_health_check.healthy_threshold
    unhealthy_threshold = var.load_balancer_health_check.unhealthy_threshold
    matcher             = "200"
  }

  # With a smaller share of healthy servers than this, all get requests: what so many have in
  # common is hardly each one's own fault, and the few that are left would drown. DNS must not
  # give up a zone later than that, so both have the same limit.
  dynamic "target_group_health" {
    for_each = local.load_balancer_fail_open_percent == null ? [] : [tostring(local.load_balancer_fail_open_percent)]

    content {
      dns_failover {
        minimum_healthy_targets_percentage = target_group_health.value
      }

      unhealthy_state_routing {
        minimum_healthy_targets_percentage = target_group_health.value
      }
    }
  }

  # Off: a user bound to one server would lose the session with it, and a new server
  # would stay idle until users log in anew.
  stickiness {
    enabled = false
    type    = "lb_cookie"
  }
}

resource "aws_autoscaling_attachment" "load_balancer" {
  # checkov:skip=CKV2_AWS_15: its check decides about requests; if it replaced servers too, one failed dependency would relaunch them all
  autoscaling_group_name = aws_autoscaling_group.servers.name
  lb_target_group_arn    = aws_lb_target_group.load_balancer.arn
}

resource "aws_lb_listener" "load_balancer" {
  # checkov:skip=CKV_AWS_2,CKV_AWS_103: a certificate needs a domain, and AWS gives none for the name of a load balancer
  load_balancer_arn = aws_lb.load_balancer.arn
  port              = local.load_balancer_port
  protocol          = local.load_balancer_protocol

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }
}

# The load balancer stands in the public subnets, and what it says about users is true.
# The application believes nobody else about a user's address and protocol.
resource "aws_ssm_parameter" "load_balancer_trusted_proxies" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  name  = "/${var.project}/${var.environment}/app/trusted_proxies"
  type  = "String"
  value = join(",", sort(local.load_balancer_trusted_proxies))
}

# A server that closes an idle connection first, just as the load balancer sends a request
# on it, makes that request a 502: so it waits longer than the load balancer does.
resource "aws_ssm_parameter" "load_balancer_keep_alive" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  name  = "/${var.project}/${var.environment}/app/keep_alive_seconds"
  type  = "String"
  value = tostring(var.load_balancer_idle_timeout_seconds + 15)
}

# Errors of the servers and of the load balancer itself (no healthy server, no answer
# in time) as a share of all requests, so that the limit holds by day and by night.
resource "aws_cloudwatch_metric_alarm" "load_balancer_errors" {
  alarm_name          = "${local.name}-load-balancer-errors"
  alarm_description   = "More than ${var.load_balancer_error_percent} % of requests ended in a 5xx error for five minutes. The access logs in bucket ${aws_s3_bucket.load_balancer_logs.id} say which."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.load_balancer_error_percent
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching" # no requests, no errors
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "percent"
    label       = "5xx errors in percent of requests"
    expression  = "100 * errors / MAX([errors, FILL(requests, 0)])"
    return_data = true
  }

  # A request that found no server at all is an error and does not count as a request,
  # so where there are more errors than requests, all of them failed.
  metric_query {
    id         = "errors"
    expression = "FILL(servers, 0) + FILL(balancer, 0)"
  }

  dynamic "metric_query" {
    for_each = {
      balancer = "HTTPCode_ELB_5XX_Count"
      requests = "RequestCount"
      servers  = "HTTPCode_Target_5XX_Count"
    }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = { LoadBalancer = aws_lb.load_balancer.arn_suffix }
        period      = 60
        stat        = "Sum"
      }
    }
  }
}
