output "clone_server_master_id" {
  description = "Instance id of the master, for Session Manager."
  value       = local.clone_server_master.id
}

output "clone_server_master_target_group_arn" {
  description = "Target group that holds the master alone; ask it whether writing requests find an answer."
  value       = aws_lb_target_group.clone_server.arn
}
