output "cache_distribution_static_paths" {
  description = "Path patterns kept at the edge."
  value       = var.cache_distribution_static_paths
}
