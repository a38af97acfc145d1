variable "cache_proxy_grace_seconds" {
  type        = number
  description = "Seconds an answer is still given after it expired, while no web server gives a newer one."
  default     = 3600

  validation {
    condition     = var.cache_proxy_grace_seconds >= 10 && var.cache_proxy_grace_seconds <= 604800 && floor(var.cache_proxy_grace_seconds) == var.cache_proxy_grace_seconds
    error_message = "cache_proxy_grace_seconds must be a whole number between 10 and 604800, a week; got ${var.cache_proxy_grace_seconds}."
  }
}

variable "cache_proxy_ignored_cookies" {
  type        = list(string)
  description = "Cookies that only scripts in the page read; a star at the end stands for any end of a name. A request with any other cookie is passed on."
  default     = ["_ga*", "_gid", "_gat*", "_gcl_*", "_fbp", "_fbc", "_hj*", "_pk_*", "_uet*", "__utm*"]
  nullable    = false

  validation {
    condition     = length(var.cache_proxy_ignored_cookies) > 0 && alltrue([for name in var.cache_proxy_ignored_cookies : can(regex("^[A-Za-z0-9_-]{2,}\\*?$", name))])
    error_message = "cache_proxy_ignored_cookies must hold names of letters, digits, _ and -, at least two of them, each with a star at its end or without; got ${jsonencode(var.cache_proxy_ignored_cookies)}."
  }
}

variable "cache_proxy_memory_percent" {
  type        = number
  description = "Share of a proxy's memory that kept answers may fill, in percent."
  default     = 50

  validation {
    condition     = var.cache_proxy_memory_percent >= 10 && var.cache_proxy_memory_percent <= 75 && floor(var.cache_proxy_memory_percent) == var.cache_proxy_memory_percent
    error_message = "cache_proxy_memory_percent must be a whole number between 10 and 75, since each kept answer takes some memory beside it; got ${var.cache_proxy_memory_percent}."
  }
}

variable "cache_proxy_ttl_seconds" {
  type        = number
  description = "Seconds an answer is kept that does not say by itself how long it may be."
  default     = 60

  validation {
    condition     = var.cache_proxy_ttl_seconds >= 0 && var.cache_proxy_ttl_seconds <= 86400 && floor(var.cache_proxy_ttl_seconds) == var.cache_proxy_ttl_seconds
    error_message = "cache_proxy_ttl_seconds must be a whole number between 0, which keeps only what says so, and 86400, a day; got ${var.cache_proxy_ttl_seconds}."
  }
}
