variable "elastic_address_cidrs" {
  type        = set(string)
  description = "IPv4 ranges that may speak to the server directly, past what stands in front of it; nobody by default."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.elastic_address_cidrs : can(cidrnetmask(cidr))])
    error_message = "elastic_address_cidrs must hold IPv4 ranges, each as in 203.0.113.0/24; got ${jsonencode(var.elastic_address_cidrs)}."
  }
}
