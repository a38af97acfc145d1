output "scale_out_bounds" {
  description = "Servers the fleet never has fewer of, and never more."
  value       = { minimum = local.servers_minimum, maximum = local.servers_maximum }
}
