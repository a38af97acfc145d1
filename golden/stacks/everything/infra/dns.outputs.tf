output "dns_url" {
  description = "Address users reach the system at."
  value       = "https://${var.dns_domain}"
}
