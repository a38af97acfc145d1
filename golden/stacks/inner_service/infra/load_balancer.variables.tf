variable "load_balancer_deletion_protection" {
  type        = bool
  description = "Whether the load balancer refuses to be deleted; while it may be deleted, its access logs are deleted with it."
  default     = true
}

variable "load_balancer_drain_seconds" {
  type        = number
  description = "Seconds a server that leaves may use to finish the requests it has."
  default     = 30

  validation {
    condition     = var.load_balancer_drain_seconds >= 0 && var.load_balancer_drain_seconds <= 3600
    error_message = "load_balancer_drain_seconds must be between 0 and 3600, the range a target group takes; got ${var.load_balancer_drain_seconds}."
  }
}

variable "load_balancer_error_percent" {
  type        = number
  description = "Share of requests that may end in a 5xx error, in percent; an alarm tells when it is more for five minutes."
  default     = 1

  validation {
    condition     = var.load_balancer_error_percent >= 0 && var.load_balancer_error_percent < 100
    error_message = "load_balancer_error_percent must be at least 0 and below 100, or no alarm could ever go off; got ${var.load_balancer_error_percent}."
  }
}

variable "load_balancer_health_check" {
  type = object({
    path                = optional(string)
    interval_seconds    = optional(number, 15)
    timeout_seconds     = optional(number, 5)
    healthy_threshold   = optional(number, 2)
    unhealthy_threshold = optional(number, 3)
  })
  description = "How servers are asked whether they are well, at the path where the application answers unless another is given; a broken one gets no more requests after interval_seconds * unhealthy_threshold."
  default     = {}
  nullable    = false

  validation {
    condition     = var.load_balancer_health_check.path == null || can(regex("^/[^[:space:]?#]*$", var.load_balancer_health_check.path))
    error_message = "load_balancer_health_check.path must be a path that starts with a slash, such as /health, or null; got \"${coalesce(var.load_balancer_health_check.path, "null")}\"."
  }

  validation {
    condition     = var.load_balancer_health_check.interval_seconds >= 5 && var.load_balancer_health_check.interval_seconds <= 300
    error_message = "load_balancer_health_check.interval_seconds must be between 5 and 300, the range a target group takes; got ${var.load_balancer_health_check.interval_seconds}."
  }

  validation {
    condition     = var.load_balancer_health_check.timeout_seconds >= 2 && var.load_balancer_health_check.timeout_seconds <= 120 && var.load_balancer_health_check.timeout_seconds < var.load_balancer_health_check.interval_seconds
    error_message = "load_balancer_health_check.timeout_seconds must be between 2 and 120, the range a target group takes, and below interval_seconds (${var.load_balancer_health_check.interval_seconds}); got ${var.load_balancer_health_check.timeout_seconds}."
  }

  validation {
    condition     = alltrue([for threshold in [var.load_balancer_health_check.healthy_threshold, var.load_balancer_health_check.unhealthy_threshold] : threshold >= 2 && threshold <= 10])
    error_message = "load_balancer_health_check.healthy_threshold and unhealthy_threshold must be between 2 and 10 checks; got ${var.load_balancer_health_check.healthy_threshold} and ${var.load_balancer_health_check.unhealthy_threshold}."
  }
}

variable "load_balancer_idle_timeout_seconds" {
  type        = number
  description = "Seconds a connection may stay silent before it is closed; the servers must keep theirs open for longer."
  default     = 60

  validation {
    condition     = var.load_balancer_idle_timeout_seconds >= 1 && var.load_balancer_idle_timeout_seconds <= 4000
    error_message = "load_balancer_idle_timeout_seconds must be between 1 and 4000, the range a load balancer takes; got ${var.load_balancer_idle_timeout_seconds}."
  }
}

variable "load_balancer_log_days" {
  type        = number
  description = "Days access logs are kept."
  default     = 90

  validation {
    condition     = var.load_balancer_log_days >= 1 && floor(var.load_balancer_log_days) == var.load_balancer_log_days
    error_message = "load_balancer_log_days must be a whole number of at least 1; got ${var.load_balancer_log_days}."
  }
}
