# How large the fleet is: as large as the part of the system that asks for most.
# Between minimum and maximum the number of servers follows the load.

locals {
  servers_count      = max(local.multi_server_count, local.multi_datacenter_count)
  servers_minimum    = max(local.servers_count, local.scale_out_minimum)
  servers_maximum    = max(local.servers_minimum, local.scale_out_maximum)
  servers_zone_count = max(local.scale_out_zone_count, var.multi_datacenter_zones)
}
