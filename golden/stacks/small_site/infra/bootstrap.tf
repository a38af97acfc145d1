# Servers start from a thin image and fetch their software when they start: changing a file
# of the bundle is a release. The price is a start that takes minutes and leans on S3 and on
# package repositories, so somebody must hear of it when starts become slow.

resource "aws_cloudwatch_metric_alarm" "bootstrap_slow" {
  for_each = local.setup_groups

  alarm_name          = "${local.name}-bootstrap-slow-${each.key}"
  alarm_description   = "New servers of ${each.value} have been setting themselves up for ${var.bootstrap_slow_minutes} minutes. See docs/patterns/bootstrap.md, 'When a start is slow or fails'."
  namespace           = "AWS/AutoScaling"
  metric_name         = "GroupPendingInstances" # counts a server until its setup says it is ready
  dimensions          = { AutoScalingGroupName = each.value }
  statistic           = "Minimum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = var.bootstrap_slow_minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
