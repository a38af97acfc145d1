variable "movable_interface_cidrs" {
  type        = set(string)
  description = "IPv4 ranges that may call the private address, such as the network and what is connected to it; null is the network alone."
  default     = null

  validation {
    condition     = alltrue([for cidr in coalesce(var.movable_interface_cidrs, []) : can(cidrnetmask(cidr))])
    error_message = "movable_interface_cidrs must hold IPv4 ranges, each as in 10.20.0.0/16; got ${jsonencode(var.movable_interface_cidrs)}."
  }
}

variable "movable_interface_ip" {
  type        = string
  description = "The private address, from the subnet the servers stand in; null takes the next that is free. It stays for as long as the card does, and another one here is another card."
  default     = null

  validation {
    condition     = var.movable_interface_ip == null || can(cidrnetmask("${coalesce(var.movable_interface_ip, "-")}/32"))
    error_message = "movable_interface_ip must be one IPv4 address, such as 10.0.0.50; got \"${coalesce(var.movable_interface_ip, "null")}\"."
  }
}
