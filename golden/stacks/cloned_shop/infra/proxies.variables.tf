variable "proxies_cpu_percent" {
  type        = number
  description = "Use of a proxy's processors that the fleet is held at, in percent: proxies are added above it and removed below it."
  default     = 50

  validation {
    condition     = var.proxies_cpu_percent >= 10 && var.proxies_cpu_percent <= 80
    error_message = "proxies_cpu_percent must be between 10 and 80, so that those left carry the load of one that fails; got ${var.proxies_cpu_percent}."
  }
}

variable "proxies_instance_refresh" {
  type        = bool
  description = "Whether a change to the launch template replaces the running proxies; with false they keep what they were started with."
  default     = true
}

variable "proxies_instance_type" {
  type        = string
  description = "EC2 instance type of the proxies; the image follows its architecture, arm64 or x86_64."
  default     = "t4g.small"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9a-z]+)?)$", var.proxies_instance_type))
    error_message = "proxies_instance_type must be an EC2 instance type, such as t4g.small; got \"${var.proxies_instance_type}\"."
  }
}

variable "proxies_maximum" {
  type        = number
  description = "Proxies there may be at most."
  default     = 4

  validation {
    condition     = var.proxies_maximum >= var.proxies_minimum && var.proxies_maximum <= 100 && floor(var.proxies_maximum) == var.proxies_maximum
    error_message = "proxies_maximum must be a whole number between proxies_minimum (${var.proxies_minimum}) and 100; got ${var.proxies_maximum}."
  }
}

variable "proxies_minimum" {
  type        = number
  description = "Proxies there are at least, spread over the zones."
  default     = 2

  validation {
    condition     = var.proxies_minimum >= 2 && floor(var.proxies_minimum) == var.proxies_minimum
    error_message = "proxies_minimum must be a whole number of at least 2, for every request passes a proxy and a single one may fail; got ${var.proxies_minimum}."
  }
}

variable "proxies_volume_gib" {
  type        = number
  description = "Size of a proxy's root volume, in GiB."
  default     = 10

  validation {
    condition     = var.proxies_volume_gib >= 8 && var.proxies_volume_gib <= 16384 && floor(var.proxies_volume_gib) == var.proxies_volume_gib
    error_message = "proxies_volume_gib must be a whole number between 8, the size of the image, and 16384, the largest gp3 volume; got ${var.proxies_volume_gib}."
  }
}

variable "proxies_warmup_seconds" {
  type        = number
  description = "Seconds a new proxy is given to warm up before its load counts and before the next old one is replaced."
  default     = 300

  validation {
    condition     = var.proxies_warmup_seconds >= 0 && var.proxies_warmup_seconds <= 3600
    error_message = "proxies_warmup_seconds must be between 0 and 3600; got ${var.proxies_warmup_seconds}."
  }
}
