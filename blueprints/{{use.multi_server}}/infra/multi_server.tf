# N+1: as many servers as the load needs, and spare ones that run all the time, so that
# one may break, or be replaced, without anybody noticing.

locals {
  multi_server_count = var.multi_server_required + var.multi_server_spare
}

# Speaks once the spare servers are used up: there is no harm yet, but the next failure
# is one that users feel.
resource "aws_cloudwatch_metric_alarm" "multi_server_healthy" {
  alarm_name          = "${local.name}-multi-server-healthy"
  alarm_description   = "Fewer than ${var.multi_server_required} healthy servers behind the load balancer for three minutes. See the target group's health and docs/patterns/multi_server.md."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = var.multi_server_required
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching" # with no server registered at all there is no value
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dimensions = {
    LoadBalancer = aws_lb.load_balancer.arn_suffix
    TargetGroup  = aws_lb_target_group.load_balancer.arn_suffix
  }
}
