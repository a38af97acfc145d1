variable "network_cidr" {
  type        = string
  description = "IPv4 range of the VPC; each subnet gets a sixteenth of it."
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.network_cidr)) && try(tonumber(split("/", var.network_cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.network_cidr)[1]), 0) <= 22
    error_message = "network_cidr must be an IPv4 range between /16, the largest a VPC takes, and /22, so that a subnet has room for a load balancer; got \"${var.network_cidr}\"."
  }
}

variable "network_excluded_zones" {
  type        = set(string)
  description = "Availability Zones to stay out of, such as one that has no machines of the type you need; the next zone of the Region takes the place."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for zone in var.network_excluded_zones : can(regex("^[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}[a-z]$", zone))])
    error_message = "network_excluded_zones must hold names of zones, such as eu-central-1a; got ${join(", ", var.network_excluded_zones)}."
  }
}

variable "network_flow_log_retention_days" {
  type        = number
  description = "Days the record of who spoke to whom is kept."
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.network_flow_log_retention_days)
    error_message = "network_flow_log_retention_days must be a number of days CloudWatch Logs knows, such as 7, 30, 90 or 365; got ${var.network_flow_log_retention_days}."
  }
}

variable "network_interface_endpoints" {
  type        = set(string)
  description = "AWS services reached inside the VPC instead of through NAT, such as ssm, ssmmessages or logs; each costs money by the hour and zone."
  default     = []

  validation {
    condition     = alltrue([for service in var.network_interface_endpoints : can(regex("^[a-z0-9][a-z0-9.-]*$", service))])
    error_message = "network_interface_endpoints must hold short service names such as ssm, without com.amazonaws; got ${join(", ", var.network_interface_endpoints)}."
  }
}

variable "network_nat" {
  type        = string
  description = "NAT gateways for private subnets: per_zone survives the loss of a zone, single is cheaper, none cuts servers off from everything but endpoints."
  default     = "single"

  validation {
    condition     = contains(["per_zone", "single", "none"], var.network_nat)
    error_message = "network_nat must be per_zone, single or none; got \"${var.network_nat}\"."
  }

  validation {
    condition     = var.network_nat != "none" || length(var.network_interface_endpoints) > 0
    error_message = "network_nat must not be none while network_interface_endpoints is empty: servers could reach no AWS API at all."
  }
}
