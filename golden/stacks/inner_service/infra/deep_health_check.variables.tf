variable "deep_health_check_cache_seconds" {
  type        = number
  description = "Seconds a server gives the same answer again, so that many checks cause one look at what stands behind it."
  default     = 5

  validation {
    condition     = var.deep_health_check_cache_seconds >= 0 && var.deep_health_check_cache_seconds < var.load_balancer_health_check.interval_seconds
    error_message = "deep_health_check_cache_seconds must be at least 0 and below load_balancer_health_check.interval_seconds (${var.load_balancer_health_check.interval_seconds}), or a check would get the answer to the one before; got ${var.deep_health_check_cache_seconds}."
  }
}

variable "deep_health_check_fail_open_percent" {
  type        = number
  description = "Share of healthy servers, in percent, below which all servers get requests, the unhealthy ones too."
  default     = 50

  validation {
    condition     = var.deep_health_check_fail_open_percent >= 1 && var.deep_health_check_fail_open_percent <= 100 && floor(var.deep_health_check_fail_open_percent) == var.deep_health_check_fail_open_percent
    error_message = "deep_health_check_fail_open_percent must be a whole number between 1 and 100, the range a target group takes; got ${var.deep_health_check_fail_open_percent}."
  }
}

variable "deep_health_check_probe_seconds" {
  type        = number
  description = "Seconds each dependency may take to answer; all are asked at once."
  default     = 2

  validation {
    condition     = var.deep_health_check_probe_seconds > 0 && var.deep_health_check_probe_seconds <= var.load_balancer_health_check.timeout_seconds - 1
    error_message = "deep_health_check_probe_seconds must be more than 0, and at least a second less than load_balancer_health_check.timeout_seconds (${var.load_balancer_health_check.timeout_seconds}), or one dependency that hangs would keep the load balancer from any answer; got ${var.deep_health_check_probe_seconds}."
  }
}

variable "deep_health_check_shared_fault" {
  type        = string
  description = "What a server does when something fails that all servers share: degrade goes on getting requests and raises an alarm, fail asks to get none."
  default     = "degrade"

  validation {
    condition     = contains(["degrade", "fail"], var.deep_health_check_shared_fault)
    error_message = "deep_health_check_shared_fault must be degrade or fail; got \"${var.deep_health_check_shared_fault}\"."
  }
}
