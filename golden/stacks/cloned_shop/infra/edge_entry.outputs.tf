output "edge_entry_secret" {
  description = "What CloudFront sends in X-Origin-Verify; with it one can ask the load balancer what CloudFront would."
  value       = local.edge_entry_sent
  sensitive   = true
}
