output "alarms_topic_arn" {
  description = "Topic every alarm speaks to; subscribe chat and paging tools here."
  value       = aws_sns_topic.alarms.arn
}
