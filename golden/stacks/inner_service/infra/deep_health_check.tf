# The load balancer asks each server not only whether it answers, but whether it can work:
# the application asks all that stands behind it, and tells. What fails on one server takes
# that server out; what all servers share takes out none of them, unless it is told to.

locals {
  # As app/src/app/features/deep_health_check.py names them.
  deep_health_check_metric    = "SharedFaults"
  deep_health_check_namespace = "${local.name}/health"
}

resource "aws_ssm_parameter" "deep_health_check" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = {
    health_cache_seconds    = var.deep_health_check_cache_seconds
    health_metric_namespace = local.deep_health_check_namespace
    health_network          = aws_vpc.network.cidr_block # the load balancer's; who else asks finds no page
    health_probe_seconds    = var.deep_health_check_probe_seconds
    health_shared_fault     = var.deep_health_check_shared_fault
  }

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}

# What stands behind the servers, and how it fails, is nobody else's business; nor shall anyone
# keep the servers busy with it. The load balancer's own checks pass by no rule. The application
# hides the page as well, for there may be ways to a server past this one.
resource "aws_lb_listener_rule" "deep_health_check" {
  listener_arn = aws_lb_listener.load_balancer.arn
  priority     = 1 # before any rule that forwards

  condition {
    path_pattern {
      values = ["/health", "/health/*"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }
}

data "aws_iam_policy_document" "deep_health_check" {
  statement {
    sid       = "TellOfSharedFaults"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # this action knows no narrower resource, but a namespace

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [local.deep_health_check_namespace]
    }
  }
}

resource "aws_iam_role_policy" "deep_health_check" {
  for_each = local.setup_roles

  name   = "deep-health-check"
  role   = each.value
  policy = data.aws_iam_policy_document.deep_health_check.json
}

# The group starts no other server in its place, for it looks at the machine alone: else what
# fails behind the servers would have all of them replaced, again and again. So a person is told.
resource "aws_cloudwatch_metric_alarm" "deep_health_check_unhealthy" {
  alarm_name          = "${local.name}-deep-health-check-unhealthy"
  alarm_description   = "For three minutes at least one server failed its health check and got no requests. See docs/patterns/deep_health_check.md, 'When a server is out'."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching" # no servers at all is another alarm's matter
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dimensions = {
    LoadBalancer = local.load_balancer_servers.arn_suffix
    TargetGroup  = aws_lb_target_group.load_balancer.arn_suffix
  }
}

# Servers that stay in service without what they need are noticed by users first. They tell this
# metric only while something is wrong, so while all is well it costs nothing.
resource "aws_cloudwatch_metric_alarm" "deep_health_check_shared" {
  alarm_name          = "${local.name}-deep-health-check-shared"
  alarm_description   = "In two of three minutes at least one server could not use something that all servers share. See docs/patterns/deep_health_check.md, 'When something shared fails'."
  namespace           = local.deep_health_check_namespace
  metric_name         = local.deep_health_check_metric
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
