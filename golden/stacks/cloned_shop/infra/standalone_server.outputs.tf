output "standalone_server_ids" {
  description = "Instance id of each standalone server by its name, for Session Manager."
  value       = { for name, server in aws_instance.standalone_server : name => server.id }
}

output "standalone_server_private_ips" {
  description = "Private address of each standalone server by its name; it stays when the server is stopped and started."
  value       = { for name, server in aws_instance.standalone_server : name => server.private_ip }
}

output "standalone_server_setup_document" {
  description = "Systems Manager document that sets a running server up with what this repository holds."
  value       = aws_ssm_document.standalone_server.name
}

output "standalone_server_zones" {
  description = "Zone each standalone server and its disks stand in, by its name."
  value       = local.standalone_server_zones
}
