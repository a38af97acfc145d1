# N+1: as many servers as the load needs, and spare ones that run all the time, so that
# one may break, or be replaced, without anybody noticing.

locals {
  multi_server_count = var.multi_server_required + var.multi_server_spare
}

# Speaks when the last spare server is gone and none came in its place, while there is no
# harm yet: the next failure is one that users feel. The group replaces a machine that is
# broken within minutes, yet not one whose application hangs; this alarm hears of both.
resource "aws_cloudwatch_metric_alarm" "multi_server_spare" {
  alarm_name          = "${local.name}-multi-server-spare"
  alarm_description   = "No spare server for ${var.multi_server_spare_minutes} minutes: ${var.multi_server_required} healthy ones are needed and there are no more. See docs/patterns/multi_server.md, 'When the spare server is gone'."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Minimum"
  comparison_operator = "LessThanOrEqualToThreshold"
  threshold           = var.multi_server_required
  period              = 60
  evaluation_periods  = var.multi_server_spare_minutes
  treat_missing_data  = "breaching" # with no server registered at all there is no value
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dimensions = {
    LoadBalancer = aws_lb.load_balancer.arn_suffix
    TargetGroup  = aws_lb_target_group.load_balancer.arn_suffix
  }
}

# Speaks at once when the servers left cannot carry the peak.
resource "aws_cloudwatch_metric_alarm" "multi_server_healthy" {
  alarm_name          = "${local.name}-multi-server-healthy"
  alarm_description   = "Fewer than ${var.multi_server_required} healthy servers behind the load balancer for three minutes. See docs/patterns/multi_server.md, 'When the spare server is gone'."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = var.multi_server_required
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dimensions = {
    LoadBalancer = aws_lb.load_balancer.arn_suffix
    TargetGroup  = aws_lb_target_group.load_balancer.arn_suffix
  }
}
