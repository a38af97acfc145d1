variable "cache_distribution_browser_seconds" {
  type        = number
  description = "Seconds a browser keeps a static file; nobody can take it back from there, so keep it short."
  default     = 300

  validation {
    condition     = var.cache_distribution_browser_seconds >= 0 && var.cache_distribution_browser_seconds <= 86400
    error_message = "cache_distribution_browser_seconds must be between 0 and 86400: what a browser keeps cannot be invalidated; got ${var.cache_distribution_browser_seconds}."
  }
}

variable "cache_distribution_edge_seconds" {
  type        = number
  description = "Seconds the edge keeps a static file; `scripts/invalidate.py` takes it back earlier."
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

variable "cache_distribution_page_seconds" {
  type        = number
  description = "Seconds a browser keeps a page of someone without a session, where the page itself says nothing."
  default     = 10

  validation {
    condition     = var.cache_distribution_page_seconds >= 0 && var.cache_distribution_page_seconds <= 300
    error_message = "cache_distribution_page_seconds must be between 0 and 300: a page is where changes show first; got ${var.cache_distribution_page_seconds}."
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
