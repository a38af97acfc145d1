variable "bootstrap_slow_minutes" {
  type        = number
  description = "Minutes without a break in which servers are still setting themselves up, after which an alarm rings."
  default     = 10

  validation {
    condition     = var.bootstrap_slow_minutes >= 2 && floor(var.bootstrap_slow_minutes) == var.bootstrap_slow_minutes
    error_message = "bootstrap_slow_minutes must be a whole number of at least 2, as one minute is a normal start; got ${var.bootstrap_slow_minutes}."
  }

  validation {
    condition     = var.bootstrap_slow_minutes < var.setup_minutes
    error_message = "bootstrap_slow_minutes must be less than setup_minutes (${var.setup_minutes}): after that the server is gone already; got ${var.bootstrap_slow_minutes}."
  }
}
