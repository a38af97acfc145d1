variable "floating_ip_active" {
  type        = string
  description = "The server that answers in ordinary times: if it fails, the other one takes over. A change moves nothing, it says which failure counts; `scripts/move_address.py` moves."
  default     = "main"

  validation {
    condition     = contains(["main", "spare"], var.floating_ip_active)
    error_message = "floating_ip_active must be main or spare; got \"${var.floating_ip_active}\"."
  }
}

variable "floating_ip_automatic" {
  type        = bool
  description = "Whether a server that fails loses its address to the other one by itself; with false somebody runs `scripts/move_address.py`."
  default     = true
}

variable "floating_ip_failed_minutes" {
  type        = number
  description = "Minutes without an answer after which a server counts as failed; a restart of the machine takes one or two."
  default     = 3

  validation {
    condition     = var.floating_ip_failed_minutes >= 2 && var.floating_ip_failed_minutes <= 60 && floor(var.floating_ip_failed_minutes) == var.floating_ip_failed_minutes
    error_message = "floating_ip_failed_minutes must be a whole number between 2, since one report may be late, and 60; got ${var.floating_ip_failed_minutes}."
  }
}
