variable "multi_server_required" {
  type        = number
  description = "Servers the load needs at its peak (N)."
  default     = 2

  validation {
    condition     = var.multi_server_required >= 1 && var.multi_server_required <= 100 && floor(var.multi_server_required) == var.multi_server_required
    error_message = "multi_server_required must be a whole number between 1 and 100; got ${var.multi_server_required}."
  }
}

variable "multi_server_spare" {
  type        = number
  description = "Servers that run beyond those required (+1), so that as many may fail at once."
  default     = 1

  validation {
    condition     = var.multi_server_spare >= 1 && var.multi_server_spare <= 100 && floor(var.multi_server_spare) == var.multi_server_spare
    error_message = "multi_server_spare must be a whole number between 1 and 100: without a spare server the first failure is felt; got ${var.multi_server_spare}."
  }
}

variable "multi_server_spare_minutes" {
  type        = number
  description = "Minutes without any spare server after which an alarm tells; replacing a server takes some of them."
  default     = 15

  validation {
    condition     = var.multi_server_spare_minutes >= 3 && var.multi_server_spare_minutes <= 1440 && floor(var.multi_server_spare_minutes) == var.multi_server_spare_minutes
    error_message = "multi_server_spare_minutes must be a whole number between 3, as every replacement takes that long, and 1440, the day an alarm can look back; got ${var.multi_server_spare_minutes}."
  }
}
