# A whole zone may fail. The others must carry the load at once and on their own: there
# is no time to start servers then, and everybody else in the Region is trying to.

locals {
  # So many in each zone that the zones left hold what is required.
  multi_datacenter_per_zone = ceil(var.multi_server_required / (var.multi_datacenter_zones - 1))
  multi_datacenter_count    = var.multi_datacenter_zones * local.multi_datacenter_per_zone
}

# Says which zone it is. A count over all zones cannot tell a lost zone from a few
# broken servers. A zone that is lost with its load balancer reports nothing at all.
resource "aws_cloudwatch_metric_alarm" "multi_datacenter_zone" {
  for_each = toset(local.servers_zones)

  alarm_name          = "${local.name}-multi-datacenter-${each.key}"
  alarm_description   = "No healthy server is reported from ${each.key} for three minutes; the other zones carry the load. See docs/patterns/multi_datacenter.md, 'When a zone fails'."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Maximum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dimensions = {
    AvailabilityZone = each.key
    LoadBalancer     = local.load_balancer_servers.arn_suffix
    TargetGroup      = aws_lb_target_group.load_balancer.arn_suffix
  }
}
