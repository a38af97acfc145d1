# Equal servers are added while the load grows and removed when it falls. How many there are
# is for the policies below to say, within bounds that are set here.

locals {
  # The load balancer stands in two zones anyway, and servers in both cost no more than in one.
  scale_out_zone_count = 2

  # As many in each zone. Two at least: of a single server the first failure is an outage.
  scale_out_minimum = coalesce(var.scale_out_minimum, ceil(max(2, local.servers_count) / local.servers_zone_count) * local.servers_zone_count)
  scale_out_maximum = coalesce(var.scale_out_maximum, 3 * local.scale_out_minimum)
}

# The application is one process, and CloudWatch counts all processors of a machine: where
# there are two of them, a server that cannot do more shows 50 %.
locals {
  scale_out_cpu_target = var.scale_out_cpu_percent / data.aws_ec2_instance_type.servers.default_vcpus
}

# Adds servers once three minutes were above the target, as many as the distance asks for,
# and removes them, with patience, after fifteen minutes clearly below it.
resource "aws_autoscaling_policy" "scale_out_cpu" {
  name                   = "${local.name}-scale-out-cpu"
  autoscaling_group_name = aws_autoscaling_group.servers.name
  policy_type            = "TargetTrackingScaling"

  # Counted from when its setup is done, for until then the launch hook keeps it back.
  estimated_instance_warmup = var.scale_out_warmup_seconds

  target_tracking_configuration {
    target_value = local.scale_out_cpu_target

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

# For an application that waits more than it computes, so that no processor shows its load.
# With both, the policy that wants more servers wins, and to remove one both must agree.
resource "aws_autoscaling_policy" "scale_out_requests" {
  count = var.scale_out_requests_per_minute == null ? 0 : 1

  name                      = "${local.name}-scale-out-requests"
  autoscaling_group_name    = aws_autoscaling_group.servers.name
  policy_type               = "TargetTrackingScaling"
  estimated_instance_warmup = var.scale_out_warmup_seconds

  target_tracking_configuration {
    target_value = var.scale_out_requests_per_minute

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${local.load_balancer_servers.arn_suffix}/${aws_lb_target_group.load_balancer.arn_suffix}"
    }
  }

  # A policy about requests is refused while none can reach the servers.
  depends_on = [
    aws_autoscaling_attachment.load_balancer,
    aws_lb_listener_rule.edge_entry,
    aws_lb_listener.proxies,
  ]
}

# From here on more load means slower answers: nobody else will say so beforehand.
resource "aws_cloudwatch_metric_alarm" "scale_out_maximum" {
  alarm_name          = "${local.name}-scale-out-maximum"
  alarm_description   = "The fleet has stood at its maximum of ${local.servers_maximum} servers for five minutes and cannot grow with the load any more. See docs/patterns/scale_out.md, 'When the fleet stands at its maximum'."
  namespace           = "AWS/AutoScaling"
  metric_name         = "GroupDesiredCapacity"
  dimensions          = { AutoScalingGroupName = aws_autoscaling_group.servers.name }
  statistic           = "Minimum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = local.servers_maximum
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching" # the alarm for servers in service hears of a silent group
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# A server that was just asked for is not missing yet. So this one waits for as long as a setup
# may take, and some minutes more; the alarm for fewer than the minimum waits for neither.
resource "aws_cloudwatch_metric_alarm" "scale_out_missing" {
  alarm_name          = "${local.name}-scale-out-missing"
  alarm_description   = "For ${var.setup_minutes + 5} minutes fewer servers have been in service than are asked for: new ones do not come up. See docs/patterns/scale_out.md, 'When new servers do not come up'."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = var.setup_minutes + 5
  treat_missing_data  = "breaching" # a group that reports nothing is in no better state
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "missing"
    label       = "Servers asked for and not in service"
    expression  = "desired - in_service"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      desired    = "GroupDesiredCapacity"
      in_service = "GroupInServiceInstances"
    }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/AutoScaling"
        metric_name = metric_query.value
        dimensions  = { AutoScalingGroupName = aws_autoscaling_group.servers.name }
        period      = 60
        stat        = "Minimum"
      }
    }
  }
}
