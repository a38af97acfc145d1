# The server starts small. What it uses is measured, and when that says so, one variable makes
# it bigger or smaller: standalone_server_instance_type. These alarms say when.

data "aws_ec2_instance_type" "scale_up_largest" {
  instance_type = var.scale_up_largest_type
}

locals {
  # What the agent is told to report on this server, and so what an alarm can find.
  scale_up_metrics = jsondecode(file("${local.setup_root}/servers/setup/configure/metrics/standalone_server/scale_up.json")).metrics.metrics_collected
  scale_up_memory  = "mem_${one(local.scale_up_metrics.mem.measurement)}"
  scale_up_swap    = "swap_${one(local.scale_up_metrics.swap.measurement)}"

  scale_up_at_the_top = var.standalone_server_instance_type == var.scale_up_largest_type
  scale_up_way_on     = local.scale_up_at_the_top ? "It is of the largest type already, ${var.scale_up_largest_type}: see 'When the largest is too small'" : "It is a ${var.standalone_server_instance_type}: see 'Change the size'"
}

resource "aws_cloudwatch_metric_alarm" "scale_up_memory" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-scale-up-${each.key}-memory"
  alarm_description   = "Server ${each.value.id} has used ${var.scale_up_memory_percent} % of its memory or more for 15 minutes. ${local.scale_up_way_on} in docs/patterns/scale_up.md."
  namespace           = local.server_metrics_namespace
  metric_name         = local.scale_up_memory
  dimensions          = { InstanceId = each.value.id }
  statistic           = "Average"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.scale_up_memory_percent
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "missing" # while it is stopped for a change it reports nothing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "scale_up_swap" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-scale-up-${each.key}-swap"
  alarm_description   = "Server ${each.value.id} has run out of memory and keeps ${var.scale_up_swap_percent} % of its swap in use. ${local.scale_up_way_on} in docs/patterns/scale_up.md."
  namespace           = local.server_metrics_namespace
  metric_name         = local.scale_up_swap
  dimensions          = { InstanceId = each.value.id }
  statistic           = "Average"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.scale_up_swap_percent
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# A server that is too big costs money quietly. A week, so that Sunday alone does not say so,
# and all but the busiest twentieth of each day, so that a backup at night does not deny it.
resource "aws_cloudwatch_metric_alarm" "scale_up_idle" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-scale-up-${each.key}-idle"
  alarm_description   = "Server ${each.value.id}, a ${var.standalone_server_instance_type}, has used less than ${var.scale_up_low_cpu_percent} % of its CPU and ${var.scale_up_low_memory_percent} % of its memory for a week: a smaller one would do. See 'Change the size' in docs/patterns/scale_up.md."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 7
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "idle"
    expression  = "IF(cpu < ${var.scale_up_low_cpu_percent} AND memory < ${var.scale_up_low_memory_percent}, 1, 0)"
    label       = "Too big"
    return_data = true
  }

  metric_query {
    id = "cpu"

    metric {
      namespace   = "AWS/EC2"
      metric_name = "CPUUtilization"
      dimensions  = { InstanceId = each.value.id }
      period      = 86400
      stat        = "p95"
    }
  }

  metric_query {
    id = "memory"

    metric {
      namespace   = local.server_metrics_namespace
      metric_name = local.scale_up_memory
      dimensions  = { InstanceId = each.value.id }
      period      = 86400
      stat        = "p95"
    }
  }

  lifecycle {
    precondition {
      condition     = data.aws_ec2_instance_type.standalone_server.default_vcpus <= data.aws_ec2_instance_type.scale_up_largest.default_vcpus
      error_message = "standalone_server_instance_type (${var.standalone_server_instance_type}) has more CPUs than scale_up_largest_type (${var.scale_up_largest_type}): raise the latter first, if you mean to pay for it."
    }

    precondition {
      condition     = length(setintersection(data.aws_ec2_instance_type.standalone_server.supported_architectures, data.aws_ec2_instance_type.scale_up_largest.supported_architectures)) > 0
      error_message = "scale_up_largest_type (${var.scale_up_largest_type}) is a machine of another architecture than standalone_server_instance_type (${var.standalone_server_instance_type}), so the server could never become one: name one of the same."
    }
  }
}
