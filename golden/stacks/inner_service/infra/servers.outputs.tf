output "servers_autoscaling_group" {
  description = "Name of the fleet's Auto Scaling group."
  value       = aws_autoscaling_group.servers.name
}

output "servers_count" {
  description = "Servers the fleet keeps running, whatever happens."
  value       = local.servers_minimum
}

output "servers_launch_template_id" {
  description = "Launch template new servers are started from."
  value       = aws_launch_template.servers.id
}

output "servers_zones" {
  description = "Zones the fleet stands in."
  value       = local.servers_zones
}
