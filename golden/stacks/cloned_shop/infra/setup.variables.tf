variable "setup_minutes" {
  type        = number
  description = "Minutes a new server has for its setup; one of a group that takes longer is taken away and replaced."
  default     = 20

  validation {
    condition     = var.setup_minutes >= 1 && var.setup_minutes <= 120 && floor(var.setup_minutes) == var.setup_minutes
    error_message = "setup_minutes must be a whole number between 1 and 120, the longest a launch may wait without a sign of life; got ${var.setup_minutes}."
  }
}

variable "setup_rollback_days" {
  type        = number
  description = "Days a replaced bundle is kept, so that servers can go back to it."
  default     = 30

  validation {
    condition     = var.setup_rollback_days >= 1 && var.setup_rollback_days <= 365 && floor(var.setup_rollback_days) == var.setup_rollback_days
    error_message = "setup_rollback_days must be a whole number between 1 and 365; got ${var.setup_rollback_days}."
  }
}
