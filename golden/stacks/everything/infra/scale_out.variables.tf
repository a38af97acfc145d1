variable "scale_out_cpu_percent" {
  type        = number
  description = "How busy the application keeps its processor on average over the fleet, in percent, before servers are added."
  default     = 60

  validation {
    condition     = var.scale_out_cpu_percent >= 10 && var.scale_out_cpu_percent <= 90
    error_message = "scale_out_cpu_percent must be between 10 and 90: above, requests wait in line long before another server is asked for; got ${var.scale_out_cpu_percent}."
  }
}

variable "scale_out_maximum" {
  type        = number
  description = "Servers the fleet may grow to, the limit of the bill; null is three times the minimum."
  default     = null

  validation {
    condition     = var.scale_out_maximum == null || try(var.scale_out_maximum <= 500 && floor(var.scale_out_maximum) == var.scale_out_maximum, false)
    error_message = "scale_out_maximum must be a whole number of at most 500, or null; got ${coalesce(var.scale_out_maximum, 0)}."
  }

  validation {
    condition     = var.scale_out_maximum == null || try(var.scale_out_maximum > local.scale_out_minimum, false)
    error_message = "scale_out_maximum must be above the minimum of ${local.scale_out_minimum}, or the fleet could never grow; got ${coalesce(var.scale_out_maximum, 0)}."
  }

  validation {
    condition     = var.scale_out_maximum == null || try(var.scale_out_maximum % local.servers_zone_count == 0, false)
    error_message = "scale_out_maximum must be a multiple of ${local.servers_zone_count}, the number of zones, so that each holds as many servers; got ${coalesce(var.scale_out_maximum, 0)}."
  }
}

variable "scale_out_minimum" {
  type        = number
  description = "Servers the fleet never has fewer of; null is as many as the rest of the system asks for, two at least, and as many in each zone."
  default     = null

  validation {
    condition     = var.scale_out_minimum == null || try(var.scale_out_minimum >= 1 && floor(var.scale_out_minimum) == var.scale_out_minimum, false)
    error_message = "scale_out_minimum must be a whole number of at least 1, or null; got ${coalesce(var.scale_out_minimum, 0)}."
  }

  validation {
    condition     = var.scale_out_minimum == null || try(var.scale_out_minimum >= local.servers_count, false)
    error_message = "scale_out_minimum must be at least ${local.servers_count}, for so many servers another part of the system asks for (infra/servers.size.tf says which); got ${coalesce(var.scale_out_minimum, 0)}."
  }

  validation {
    condition     = var.scale_out_minimum == null || try(var.scale_out_minimum % local.servers_zone_count == 0, false)
    error_message = "scale_out_minimum must be a multiple of ${local.servers_zone_count}, the number of zones, so that each holds as many servers; got ${coalesce(var.scale_out_minimum, 0)}."
  }
}

variable "scale_out_requests_per_minute" {
  type        = number
  description = "Requests one server shall get in a minute before servers are added; null scales by processor alone."
  default     = null

  validation {
    condition     = var.scale_out_requests_per_minute == null || try(var.scale_out_requests_per_minute >= 1, false)
    error_message = "scale_out_requests_per_minute must be at least 1, or null to scale by processor alone; got ${coalesce(var.scale_out_requests_per_minute, 0)}."
  }
}

variable "scale_out_warmup_seconds" {
  type        = number
  description = "Seconds after its setup until a new server carries its share; until then it is not counted, so that none is added twice for one rise."
  default     = 120

  validation {
    condition     = var.scale_out_warmup_seconds >= 30 && var.scale_out_warmup_seconds <= 900
    error_message = "scale_out_warmup_seconds must be between 30, as health checks take that long, and 900; got ${var.scale_out_warmup_seconds}."
  }
}
