# N+1: as many servers as the load needs, and spare ones that run all the time, so that
# one may break, or be replaced, without anybody noticing.

locals {
  multi_server_count = var.multi_server_required + var.multi_server_spare
}

# What the alarms below watch: healthy servers beyond those that are needed.
locals {
  # Needed are the required servers and, where the number follows the load, each one that
  # was added to the minimum and is not just starting.
  multi_server_added            = "desired - FILL(pending, 0) - ${local.servers_minimum}"
  multi_server_spare_expression = "healthy - ${var.multi_server_required} - IF(${local.multi_server_added} > 0, ${local.multi_server_added}, 0)"

  multi_server_metrics = {
    desired = {
      namespace  = "AWS/AutoScaling"
      name       = "GroupDesiredCapacity"
      dimensions = { AutoScalingGroupName = aws_autoscaling_group.servers.name }
    }
    healthy = {
      namespace = "AWS/ApplicationELB"
      name      = "HealthyHostCount"
      dimensions = {
        LoadBalancer = local.load_balancer_servers.arn_suffix
        TargetGroup  = aws_lb_target_group.load_balancer.arn_suffix
      }
    }
    pending = {
      namespace  = "AWS/AutoScaling"
      name       = "GroupPendingInstances"
      dimensions = { AutoScalingGroupName = aws_autoscaling_group.servers.name }
    }
  }
}

# Speaks when the last spare server is gone and none came in its place, while there is no
# harm yet: the next failure is one that users feel. The group replaces a machine that is
# broken within minutes, yet not one whose application hangs; this alarm hears of both.
resource "aws_cloudwatch_metric_alarm" "multi_server_spare" {
  alarm_name          = "${local.name}-multi-server-spare"
  alarm_description   = "No spare server for ${var.multi_server_spare_minutes} minutes: no more healthy ones than are needed. See docs/patterns/multi_server.md, 'When the spare server is gone'."
  comparison_operator = "LessThanOrEqualToThreshold"
  threshold           = 0
  evaluation_periods  = var.multi_server_spare_minutes
  treat_missing_data  = "breaching" # with no server registered at all there is no value
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "spare"
    label       = "Healthy servers beyond those needed"
    expression  = local.multi_server_spare_expression
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.multi_server_metrics

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        period      = 60
        stat        = "Minimum"
      }
    }
  }
}

# Speaks at once when the servers left cannot carry the peak.
resource "aws_cloudwatch_metric_alarm" "multi_server_healthy" {
  alarm_name          = "${local.name}-multi-server-healthy"
  alarm_description   = "Fewer healthy servers behind the load balancer than are needed, for three minutes. See docs/patterns/multi_server.md, 'When the spare server is gone'."
  comparison_operator = "LessThanThreshold"
  threshold           = 0
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "spare"
    label       = "Healthy servers beyond those needed"
    expression  = local.multi_server_spare_expression
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.multi_server_metrics

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        period      = 60
        stat        = "Minimum"
      }
    }
  }
}
