output "deep_health_check_path" {
  description = "Path at which the load balancer asks each server; from elsewhere it is not found."
  value       = aws_lb_target_group.load_balancer.health_check[0].path
}
