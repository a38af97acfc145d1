variable "state_sharing_cookie_secure" {
  type        = bool
  description = "Whether browsers may send the session's cookie over HTTPS only; null says yes wherever users speak HTTPS to this system. With false, whoever listens can take a session over."
  default     = null
}

variable "state_sharing_max_age_seconds" {
  type        = number
  description = "Seconds after which a session ends in any case, so that a stolen one is of no use for ever."
  default     = 604800 # a week

  validation {
    condition     = var.state_sharing_max_age_seconds <= 31536000 && floor(var.state_sharing_max_age_seconds) == var.state_sharing_max_age_seconds
    error_message = "state_sharing_max_age_seconds must be a whole number up to 31536000, a year; got ${var.state_sharing_max_age_seconds}."
  }

  validation {
    condition     = var.state_sharing_max_age_seconds >= var.state_sharing_ttl_seconds
    error_message = "state_sharing_max_age_seconds must be at least state_sharing_ttl_seconds (${var.state_sharing_ttl_seconds}), or no session would live that long; got ${var.state_sharing_max_age_seconds}."
  }
}

variable "state_sharing_ttl_seconds" {
  type        = number
  description = "Seconds without a request after which a session ends."
  default     = 3600

  validation {
    condition     = var.state_sharing_ttl_seconds >= 60 && var.state_sharing_ttl_seconds <= 2592000 && floor(var.state_sharing_ttl_seconds) == var.state_sharing_ttl_seconds
    error_message = "state_sharing_ttl_seconds must be a whole number between 60 and 2592000, thirty days; got ${var.state_sharing_ttl_seconds}."
  }
}
