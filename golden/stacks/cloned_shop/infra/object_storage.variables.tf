variable "object_storage_force_destroy" {
  type        = bool
  description = "Whether a destroy takes buckets away that still hold files, with all versions of them; else it fails."
  default     = false
}

variable "object_storage_keep_days" {
  type        = number
  description = "Days an object that was overwritten or deleted can be brought back, in every bucket; it costs like any other until then."
  default     = 30

  validation {
    condition     = var.object_storage_keep_days >= 1 && var.object_storage_keep_days <= 3650 && floor(var.object_storage_keep_days) == var.object_storage_keep_days
    error_message = "object_storage_keep_days must be a whole number between 1 and 3650; got ${var.object_storage_keep_days}."
  }
}
