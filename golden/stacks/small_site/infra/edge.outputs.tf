output "edge_alarms_topic_arn" {
  description = "Topic in us-east-1 that alarms about CloudFront speak to; the common topic where the stack stands in us-east-1 itself."
  value       = local.edge_alarms_topic_arn
}

output "edge_distribution_id" {
  description = "The distribution; invalidations name it."
  value       = aws_cloudfront_distribution.edge.id
}

output "edge_log_bucket" {
  description = "Bucket CloudFront's access logs are written to."
  value       = aws_s3_bucket.edge_logs.id
}

output "edge_url" {
  description = "Address of the system under the name CloudFront gave it."
  value       = "https://${aws_cloudfront_distribution.edge.domain_name}"
}
