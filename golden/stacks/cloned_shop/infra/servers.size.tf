# How large the fleet is: as large as the part of the system that asks for most.

locals {
  servers_count      = var.clone_server_count
  servers_minimum    = local.servers_count
  servers_maximum    = local.servers_minimum
  servers_zone_count = local.clone_server_zone_count
}
