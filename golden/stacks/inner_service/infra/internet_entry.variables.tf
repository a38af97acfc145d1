variable "internet_entry_cidrs" {
  type        = set(string)
  description = "Address ranges that may speak to the load balancer; everybody by default. IPv6 ranges count once the network has IPv6."
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = length(var.internet_entry_cidrs) > 0 && alltrue([for cidr in var.internet_entry_cidrs : can(cidrhost(cidr, 0))])
    error_message = "internet_entry_cidrs must hold at least one address range, each as in 203.0.113.0/24 or 2001:db8::/32; got ${jsonencode(var.internet_entry_cidrs)}."
  }
}
