output "load_balancer_arn" {
  description = "The load balancer, as commands of AWS want it named."
  value       = aws_lb.load_balancer.arn
}

output "load_balancer_dns_name" {
  description = "Name AWS gave the load balancer."
  value       = aws_lb.load_balancer.dns_name
}

output "load_balancer_log_bucket" {
  description = "Bucket the access logs are written to."
  value       = aws_s3_bucket.load_balancer_logs.id
}

output "load_balancer_target_group_arn" {
  description = "Target group of the servers; ask it which of them are healthy."
  value       = aws_lb_target_group.load_balancer.arn
}
