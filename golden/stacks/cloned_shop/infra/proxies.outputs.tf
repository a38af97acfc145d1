output "proxies_autoscaling_group" {
  description = "Name of the proxies' Auto Scaling group."
  value       = aws_autoscaling_group.proxies.name
}

output "proxies_load_balancer_arn" {
  description = "The load balancer between proxies and web servers, as commands of AWS want it named."
  value       = aws_lb.proxies.arn
}

output "proxies_target_group_arn" {
  description = "Target group of the proxies; ask it which of them are healthy."
  value       = aws_lb_target_group.proxies.arn
}
