variable "web_storage_media_seconds" {
  type        = number
  description = "Seconds that edge and browsers keep a large file; `scripts/publish.py` takes replaced ones back from the edge, nobody can from browsers."
  default     = 86400

  validation {
    condition     = var.web_storage_media_seconds >= 1 && var.web_storage_media_seconds <= 31536000 && floor(var.web_storage_media_seconds) == var.web_storage_media_seconds
    error_message = "web_storage_media_seconds must be a whole number between 1 and 31536000, a year; got ${var.web_storage_media_seconds}."
  }
}

variable "web_storage_seconds" {
  type        = number
  description = "Seconds that edge and browsers keep a file of the application; one named after its content is kept for a year."
  default     = 300

  validation {
    condition     = var.web_storage_seconds >= 1 && var.web_storage_seconds <= 86400 && floor(var.web_storage_seconds) == var.web_storage_seconds
    error_message = "web_storage_seconds must be a whole number between 1 and 86400: what a browser keeps cannot be taken back; got ${var.web_storage_seconds}."
  }
}
