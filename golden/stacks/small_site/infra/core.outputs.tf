output "core_name" {
  description = "First part of every AWS name: project and environment."
  value       = local.name
}

output "core_region" {
  description = "AWS Region the stack stands in."
  value       = data.aws_region.current.id
}
