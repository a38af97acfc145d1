variable "multi_datacenter_zones" {
  type        = number
  description = "Availability Zones the system stands in; any one of them may fail."
  default     = 3

  validation {
    condition     = var.multi_datacenter_zones >= 2 && var.multi_datacenter_zones <= 6 && floor(var.multi_datacenter_zones) == var.multi_datacenter_zones
    error_message = "multi_datacenter_zones must be a whole number between 2, for with one zone nothing is left when it fails, and 6, the most a Region has; got ${var.multi_datacenter_zones}."
  }

  validation {
    condition     = var.multi_datacenter_zones < 2 || var.network_nat != "single"
    error_message = "network_nat must not be single in a system that is to survive the loss of a zone: all zones would be cut off with the one that holds the NAT gateway."
  }
}
