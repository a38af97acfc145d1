variable "cached_answers_browser_seconds" {
  type        = number
  description = "Seconds a browser keeps a static file; nobody can take it back from there, so keep it short."
  default     = 300

  validation {
    condition     = var.cached_answers_browser_seconds >= 0 && var.cached_answers_browser_seconds <= 86400
    error_message = "cached_answers_browser_seconds must be between 0 and 86400: what a browser keeps cannot be invalidated; got ${var.cached_answers_browser_seconds}."
  }
}

variable "cached_answers_edge_seconds" {
  type        = number
  description = "Seconds the edge keeps a static file of the application, where it keeps such files at all; an invalidation takes it back earlier."
  default     = 86400

  validation {
    condition     = var.cached_answers_edge_seconds >= 0 && var.cached_answers_edge_seconds <= 31536000
    error_message = "cached_answers_edge_seconds must be between 0 and 31536000, a year; got ${var.cached_answers_edge_seconds}."
  }
}

variable "cached_answers_page_seconds" {
  type        = number
  description = "Seconds a browser keeps a page of someone without a session, where the page itself says nothing."
  default     = 10

  validation {
    condition     = var.cached_answers_page_seconds >= 0 && var.cached_answers_page_seconds <= 300
    error_message = "cached_answers_page_seconds must be between 0 and 300: a page is where changes show first; got ${var.cached_answers_page_seconds}."
  }
}
