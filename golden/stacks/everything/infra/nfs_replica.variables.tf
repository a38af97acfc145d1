variable "nfs_replica_copy_seconds" {
  type        = number
  description = "Seconds one copy of the share may take, the first one of a new server included; a share that takes longer counts as lost."
  default     = 600

  validation {
    condition     = var.nfs_replica_copy_seconds >= 10 && floor(var.nfs_replica_copy_seconds) == var.nfs_replica_copy_seconds
    error_message = "nfs_replica_copy_seconds must be a whole number of at least 10; got ${var.nfs_replica_copy_seconds}."
  }

  validation {
    condition     = var.nfs_replica_copy_seconds < var.setup_minutes * 60
    error_message = "nfs_replica_copy_seconds must be less than setup_minutes (${var.setup_minutes}), for a new server is taken away after those; got ${var.nfs_replica_copy_seconds}."
  }
}

variable "nfs_replica_interval_seconds" {
  type        = number
  description = "Seconds between two copies: how long a running server takes, at most and without large changes, to have what was written to the share."
  default     = 60

  validation {
    condition     = var.nfs_replica_interval_seconds >= 1 && var.nfs_replica_interval_seconds <= 86400 && floor(var.nfs_replica_interval_seconds) == var.nfs_replica_interval_seconds
    error_message = "nfs_replica_interval_seconds must be a whole number between 1 and 86400, a day; got ${var.nfs_replica_interval_seconds}."
  }
}

variable "nfs_replica_max_age_seconds" {
  type        = number
  description = "Seconds after which a copy counts as stale and the alarm rings; it is read all the same."
  default     = 900

  validation {
    condition     = var.nfs_replica_max_age_seconds <= 604800 && floor(var.nfs_replica_max_age_seconds) == var.nfs_replica_max_age_seconds
    error_message = "nfs_replica_max_age_seconds must be a whole number up to 604800, a week; got ${var.nfs_replica_max_age_seconds}."
  }

  validation {
    condition     = var.nfs_replica_max_age_seconds >= 2 * var.nfs_replica_interval_seconds
    error_message = "nfs_replica_max_age_seconds must be at least twice nfs_replica_interval_seconds (${var.nfs_replica_interval_seconds}), or a copy would be stale before the next one; got ${var.nfs_replica_max_age_seconds}."
  }
}
