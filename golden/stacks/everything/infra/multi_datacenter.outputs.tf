output "multi_datacenter_servers_per_zone" {
  description = "Servers each zone needs, so that the others carry the load when it fails."
  value       = local.multi_datacenter_per_zone
}
