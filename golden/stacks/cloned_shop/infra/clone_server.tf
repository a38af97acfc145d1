# A server that was made to be the only one becomes the master of clones: requests are spread
# over all of them, what writes goes to the master, and each clone copies the master's content.

locals {
  clone_server_master           = aws_instance.standalone_server["main"]
  clone_server_metric_namespace = "${local.name}/content"

  # Where the master offers its content; servers/setup/configure/86-content.sh knows it too.
  clone_server_port = 8873

  # A clone tells the age of its copy after each attempt, and one may take its time.
  clone_server_age_period = max(300, ceil((var.clone_server_copy_seconds + 1.2 * var.clone_server_interval_seconds) / 60) * 60)

  # A master that stops takes no clone with it, nor should the loss of its zone.
  clone_server_zone_count = min(2, var.clone_server_count)

  # What master and clones must know of each other, and the application need not.
  clone_server_parameters = "${dirname(local.setup_settings_path)}/clone-server"
  clone_server_roles      = { for kind in ["servers", "standalone_server"] : kind => local.setup_roles[kind] }
}

# Requests reach the master as they reach the clones.

resource "aws_lb_target_group_attachment" "clone_server" {
  target_group_arn = aws_lb_target_group.load_balancer.arn
  target_id        = local.clone_server_master.id
}

resource "aws_vpc_security_group_egress_rule" "clone_server_requests" {
  security_group_id            = local.load_balancer_servers.security_group_id
  description                  = "Requests and health checks to the master"
  referenced_security_group_id = aws_security_group.standalone_server.id
  ip_protocol                  = "tcp"
  from_port                    = local.standalone_server_port
  to_port                      = local.standalone_server_port
}

resource "aws_vpc_security_group_ingress_rule" "clone_server_requests" {
  security_group_id            = aws_security_group.standalone_server.id
  description                  = "Requests and health checks from the load balancer"
  referenced_security_group_id = local.load_balancer_servers.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = local.standalone_server_port
  to_port                      = local.standalone_server_port
}

# And it alone gets those that write: what a clone wrote would be lost with the next copy.

resource "aws_lb_target_group" "clone_server" {
  # checkov:skip=CKV_AWS_378: from here to the servers requests stay inside the VPC, and nobody else reaches that port
  name                 = "${local.name}-ma" # of the master; ELB takes 32 characters
  port                 = local.standalone_server_port
  protocol             = "HTTP"
  vpc_id               = aws_vpc.network.id
  deregistration_delay = var.load_balancer_drain_seconds

  health_check {
    path                = local.load_balancer_health_path
    interval            = var.load_balancer_health_check.interval_seconds
    timeout             = var.load_balancer_health_check.timeout_seconds
    healthy_threshold   = var.load_balancer_health_check.healthy_threshold
    unhealthy_threshold = var.load_balancer_health_check.unhealthy_threshold
    matcher             = "200"
  }
}

resource "aws_lb_target_group_attachment" "clone_server_writes" {
  target_group_arn = aws_lb_target_group.clone_server.arn
  target_id        = local.clone_server_master.id
}

# A rule takes five values in all, and up to two are for what the front door asks for.
resource "aws_lb_listener_rule" "clone_server_writes" {
  for_each = { for index, methods in [["POST", "PUT"], ["DELETE", "PATCH"]] : 100 + index => methods }

  listener_arn = local.load_balancer_servers.listener_arn
  priority     = each.key

  condition {
    http_request_method {
      values = each.value
    }
  }

  dynamic "condition" {
    for_each = local.load_balancer_guards

    content {
      http_header {
        http_header_name = condition.key
        values           = condition.value
      }
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.clone_server.arn
  }
}

resource "aws_lb_listener_rule" "clone_server_paths" {
  for_each = { for index, paths in chunklist(var.clone_server_master_paths, 3) : 110 + index => paths }

  listener_arn = local.load_balancer_servers.listener_arn
  priority     = each.key

  condition {
    path_pattern {
      values = each.value
    }
  }

  dynamic "condition" {
    for_each = local.load_balancer_guards

    content {
      http_header {
        http_header_name = condition.key
        values           = condition.value
      }
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.clone_server.arn
  }
}

# The content on its way: only clones reach the master's port, and only with the key.

resource "aws_vpc_security_group_egress_rule" "clone_server_content" {
  security_group_id            = aws_security_group.servers.id
  description                  = "Content, from the master"
  referenced_security_group_id = aws_security_group.standalone_server.id
  ip_protocol                  = "tcp"
  from_port                    = local.clone_server_port
  to_port                      = local.clone_server_port
}

resource "aws_vpc_security_group_ingress_rule" "clone_server_content" {
  security_group_id            = aws_security_group.standalone_server.id
  description                  = "Content, for the clones"
  referenced_security_group_id = aws_security_group.servers.id
  ip_protocol                  = "tcp"
  from_port                    = local.clone_server_port
  to_port                      = local.clone_server_port
}

# Made once, and kept in the state as it is in Parameter Store.
resource "terraform_data" "clone_server_key" {
  input = uuid()

  lifecycle {
    ignore_changes = [input] # or every plan would make a new one
  }
}

resource "aws_ssm_parameter" "clone_server_key" {
  # checkov:skip=CKV_AWS_337: a key of our own would be given to the same roles, and cost money each month
  name        = "${local.clone_server_parameters}/key"
  description = "What the master and its clones encrypt content with, and know each other by"
  type        = "SecureString"
  value       = sha256(sensitive(terraform_data.clone_server_key.output))
}

resource "aws_ssm_parameter" "clone_server" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = {
    copy_seconds     = var.clone_server_copy_seconds
    interval_seconds = var.clone_server_interval_seconds
    metric_namespace = local.clone_server_metric_namespace
  }

  name  = "${local.clone_server_parameters}/${each.key}"
  type  = "String"
  value = each.value
}

# The address stays for as long as the server does, stopped or not.
resource "aws_ssm_parameter" "clone_server_master" {
  # checkov:skip=CKV2_AWS_34: an address, not a secret
  name        = "${local.clone_server_parameters}/master"
  description = "Private address of the master"
  type        = "String"
  value       = local.clone_server_master.private_ip
}

resource "aws_ssm_parameter" "clone_server_max_age" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  name  = "${local.setup_settings_path}/content_max_age_seconds"
  type  = "String"
  value = tostring(var.clone_server_max_age_seconds)
}

data "aws_iam_policy_document" "clone_server" {
  statement {
    sid     = "ReadKeyAndAddress"
    actions = ["ssm:GetParametersByPath"]
    resources = [
      "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:parameter${local.clone_server_parameters}",
      "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:parameter${local.clone_server_parameters}/*",
    ]
  }
}

resource "aws_iam_role_policy" "clone_server" {
  for_each = local.clone_server_roles

  name   = "content"
  role   = each.value
  policy = data.aws_iam_policy_document.clone_server.json
}

data "aws_iam_policy_document" "clone_server_age" {
  statement {
    sid       = "TellTheAgeOfTheCopy"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # this action knows no narrower resource, but a namespace

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [local.clone_server_metric_namespace]
    }
  }
}

resource "aws_iam_role_policy" "clone_server_age" {
  name   = "content-age"
  role   = local.setup_roles["servers"]
  policy = data.aws_iam_policy_document.clone_server_age.json
}

# Users notice nothing of a clone that has stopped following, until they miss what is new.
resource "aws_cloudwatch_metric_alarm" "clone_server_age" {
  alarm_name          = "${local.name}-clone-server-age"
  alarm_description   = "The copy of at least one clone is older than ${var.clone_server_max_age_seconds} seconds, or no clone has told the age of its own for ${local.clone_server_age_period / 60} minutes. See docs/patterns/clone_server.md."
  namespace           = local.clone_server_metric_namespace
  metric_name         = "AgeSeconds"
  statistic           = "Maximum" # the worst of all clones
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.clone_server_max_age_seconds
  period              = local.clone_server_age_period
  evaluation_periods  = 1
  treat_missing_data  = "breaching" # clones that tell nothing copy nothing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
