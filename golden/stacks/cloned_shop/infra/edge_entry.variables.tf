variable "edge_entry_secrets" {
  type        = list(string)
  description = "Names of the secrets the load balancer takes; CloudFront sends the last. To change the secret, add a name, apply, then drop the old name and apply again."
  default     = ["first"]
  nullable    = false

  validation {
    condition     = length(var.edge_entry_secrets) >= 1 && length(var.edge_entry_secrets) <= 2
    error_message = "edge_entry_secrets must hold one name, or two during a change; got ${length(var.edge_entry_secrets)}."
  }

  validation {
    condition     = length(distinct(var.edge_entry_secrets)) == length(var.edge_entry_secrets)
    error_message = "edge_entry_secrets must not hold a name twice; got ${join(", ", var.edge_entry_secrets)}."
  }
}
