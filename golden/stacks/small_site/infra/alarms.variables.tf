variable "alarms_email" {
  type        = string
  description = "Address every alarm is mailed to, after its owner confirmed the first mail; null mails nobody."
  default     = null

  validation {
    condition     = var.alarms_email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alarms_email))
    error_message = "alarms_email must be one mail address, or null; got \"${coalesce(var.alarms_email, "null")}\"."
  }
}
