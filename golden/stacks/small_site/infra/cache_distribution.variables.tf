variable "cache_distribution_edge_seconds" {
  type        = number
  description = "Seconds the edge keeps a file that does not say itself for how long; `scripts/invalidate.py` takes it back earlier."
  default     = 86400

  validation {
    condition     = var.cache_distribution_edge_seconds >= 1 && var.cache_distribution_edge_seconds <= var.cache_distribution_max_seconds
    error_message = "cache_distribution_edge_seconds must be at least 1 and no more than cache_distribution_max_seconds (${var.cache_distribution_max_seconds}); got ${var.cache_distribution_edge_seconds}."
  }
}

variable "cache_distribution_max_seconds" {
  type        = number
  description = "Seconds the edge keeps a file at most, whatever its `Cache-Control` says."
  default     = 31536000

  validation {
    condition     = var.cache_distribution_max_seconds >= 1 && var.cache_distribution_max_seconds <= 31536000
    error_message = "cache_distribution_max_seconds must be between 1 and 31536000, a year; got ${var.cache_distribution_max_seconds}."
  }
}

variable "cache_distribution_static_paths" {
  type        = list(string)
  description = "Path patterns kept at the edge, the first match wins; everything else always goes to the origin."
  default     = ["/static/*"]

  validation {
    condition     = alltrue([for path in var.cache_distribution_static_paths : can(regex("^/[^*?[:space:]]+", path))])
    error_message = "cache_distribution_static_paths must each start with a fixed part, such as /static/*, or personal pages would be kept; got ${join(", ", var.cache_distribution_static_paths)}."
  }

  validation {
    condition     = length(distinct(var.cache_distribution_static_paths)) == length(var.cache_distribution_static_paths)
    error_message = "cache_distribution_static_paths must not hold a path twice; got ${join(", ", var.cache_distribution_static_paths)}."
  }
}
