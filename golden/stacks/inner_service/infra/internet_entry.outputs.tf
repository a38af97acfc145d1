output "internet_entry_url" {
  description = "Address users reach the system at."
  value       = "${lower(local.load_balancer_protocol)}://${local.load_balancer_address}"
}
