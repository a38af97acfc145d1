# How large the fleet is: as large as the part of the system that asks for most.

locals {
  servers_count      = max(local.multi_server_count, local.multi_datacenter_count)
  servers_minimum    = local.servers_count
  servers_maximum    = local.servers_minimum
  servers_zone_count = var.multi_datacenter_zones
}
