variable "snapshot_data_retention_days" {
  type        = number
  description = "Days a daily copy is kept."
  default     = 35

  validation {
    condition     = var.snapshot_data_retention_days >= 1 && var.snapshot_data_retention_days <= 3650 && floor(var.snapshot_data_retention_days) == var.snapshot_data_retention_days
    error_message = "snapshot_data_retention_days must be a whole number between 1 and 3650, ten years; got ${var.snapshot_data_retention_days}."
  }
}

variable "snapshot_hour" {
  type        = number
  description = "Hour of the day, in UTC, in which copies begin; choose one with little traffic."
  default     = 3

  validation {
    condition     = var.snapshot_hour >= 0 && var.snapshot_hour <= 23 && floor(var.snapshot_hour) == var.snapshot_hour
    error_message = "snapshot_hour must be a whole number between 0 and 23, an hour of the day in UTC; got ${var.snapshot_hour}."
  }
}

variable "snapshot_lock_days" {
  type        = number
  description = "Days for which nobody can delete a copy in a vault, or null for no lock. Whoever may change the vault can take the lock off again."
  default     = null

  validation {
    condition     = var.snapshot_lock_days == null ? true : var.snapshot_lock_days >= 1 && floor(var.snapshot_lock_days) == var.snapshot_lock_days && var.snapshot_lock_days <= min(var.snapshot_data_retention_days, var.snapshot_server_retention_days)
    error_message = "snapshot_lock_days must be null, or a whole number from 1 to ${min(var.snapshot_data_retention_days, var.snapshot_server_retention_days)}: a vault refuses copies that are kept for less than its lock (snapshot_data_retention_days is ${var.snapshot_data_retention_days}, snapshot_server_retention_days ${var.snapshot_server_retention_days}); got ${coalesce(var.snapshot_lock_days, "null")}."
  }
}

variable "snapshot_server_retention_days" {
  type        = number
  description = "Days a copy of the whole server is kept."
  default     = 90

  validation {
    condition     = var.snapshot_server_retention_days >= 1 && var.snapshot_server_retention_days <= 3650 && floor(var.snapshot_server_retention_days) == var.snapshot_server_retention_days
    error_message = "snapshot_server_retention_days must be a whole number between 1 and 3650, ten years; got ${var.snapshot_server_retention_days}."
  }
}

variable "snapshot_server_weekdays" {
  type        = set(string)
  description = "Days of the week on which the whole server is copied, such as SUN; at least one, since an alarm looks back for a week."
  default     = ["SUN"]

  validation {
    condition     = length(var.snapshot_server_weekdays) > 0 && length(setsubtract(var.snapshot_server_weekdays, ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"])) == 0
    error_message = "snapshot_server_weekdays must be one or more of MON, TUE, WED, THU, FRI, SAT and SUN; got [${join(", ", var.snapshot_server_weekdays)}]."
  }
}
