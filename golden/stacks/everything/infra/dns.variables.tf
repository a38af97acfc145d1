variable "dns_domain" {
  type        = string
  description = "Name users type, such as shop.example.com."
  nullable    = false

  validation {
    condition     = can(regex("^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.dns_domain)) && length(var.dns_domain) <= 57
    error_message = "dns_domain must be a lower-case domain name such as shop.example.com, of at most 57 characters so that a certificate takes names under it; got \"${var.dns_domain}\"."
  }
}

variable "dns_zone" {
  type        = string
  description = "Hosted zone in Route 53 the name belongs to; null where the zone has the name itself."
  default     = null

  validation {
    condition     = var.dns_zone == null || endswith(".${var.dns_domain}", ".${coalesce(var.dns_zone, "-")}")
    error_message = "dns_zone must be \"${var.dns_domain}\" or a domain above it; got \"${coalesce(var.dns_zone, "null")}\"."
  }
}
