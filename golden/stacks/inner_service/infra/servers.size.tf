# How large the fleet is: as large as the part of the system that asks for most.

locals {
  servers_count      = 1
  servers_minimum    = local.servers_count
  servers_maximum    = local.servers_minimum
  servers_zone_count = 1
}
