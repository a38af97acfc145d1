variable "database_backup_days" {
  type        = number
  description = "Days of which any second can be restored; a backup is made every night, and the log every five minutes."
  default     = 7

  validation {
    condition     = var.database_backup_days >= 1 && var.database_backup_days <= 35 && floor(var.database_backup_days) == var.database_backup_days
    error_message = "database_backup_days must be a whole number between 1, since a database without backups cannot be restored at all, and 35, the most RDS keeps; got ${var.database_backup_days}."
  }
}

variable "database_deletion_protection" {
  type        = bool
  description = "Whether RDS refuses to delete a database."
  default     = true
}

variable "database_engine_version" {
  type        = string
  description = "Major version of PostgreSQL; minor ones come by themselves. A higher one upgrades in place, with an outage of minutes, and there is no way back."
  default     = "17"

  validation {
    condition     = can(regex("^(?:1[6-9]|[2-9][0-9])$", var.database_engine_version))
    error_message = "database_engine_version must be a major version of at least 16, such as 17; got \"${var.database_engine_version}\"."
  }
}

variable "database_final_snapshot" {
  type        = bool
  description = "Whether a copy of a database is kept when it is destroyed; costs by its size, until somebody deletes it."
  default     = true
}

variable "database_instance_class" {
  type        = string
  description = "RDS instance class, which decides on CPUs, memory and with it on the number of connections."
  default     = "db.t4g.medium"

  validation {
    condition     = can(regex("^db\\.[a-z][a-z0-9]*\\.(?:micro|small|medium|large|[0-9]*xlarge)$", var.database_instance_class))
    error_message = "database_instance_class must be an RDS instance class, such as db.t4g.medium; got \"${var.database_instance_class}\"."
  }
}

variable "database_kms_key_arn" {
  type        = string
  description = "Key that the databases are encrypted with, such as one that another account may use to restore a copy; null takes the one AWS keeps for RDS. Another key is another, empty database."
  default     = null

  validation {
    condition     = var.database_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-z-]+$", var.database_kms_key_arn))
    error_message = "database_kms_key_arn must be the ARN of a KMS key, not of an alias, or null; got \"${coalesce(var.database_kms_key_arn, "null")}\"."
  }
}

variable "database_log_retention_days" {
  type        = number
  description = "Days that the databases' own logs are kept."
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.database_log_retention_days)
    error_message = "database_log_retention_days must be a number of days CloudWatch Logs knows, such as 7, 30, 90 or 365; got ${var.database_log_retention_days}."
  }
}

variable "database_port" {
  type        = number
  description = "Port of the databases. Another one restarts them, and servers must be set up anew."
  default     = 5432

  validation {
    condition     = var.database_port >= 1150 && var.database_port <= 65535 && floor(var.database_port) == var.database_port
    error_message = "database_port must be a whole number between 1150, the first that RDS takes, and 65535; got ${var.database_port}."
  }
}

variable "database_quiet_hour" {
  type        = number
  description = "Hour of the day, in UTC, in which few use the databases: then a backup is made, and on Sundays an hour later patches are applied."
  default     = 0

  validation {
    condition     = var.database_quiet_hour >= 0 && var.database_quiet_hour <= 23 && floor(var.database_quiet_hour) == var.database_quiet_hour
    error_message = "database_quiet_hour must be a whole number between 0 and 23; got ${var.database_quiet_hour}."
  }
}

variable "database_storage_gib" {
  type        = number
  description = "GiB that the disk of a database starts with. It can grow while in use, and never shrink."
  default     = 20

  validation {
    condition     = var.database_storage_gib >= 20 && var.database_storage_gib <= 59000 && floor(var.database_storage_gib) == var.database_storage_gib
    error_message = "database_storage_gib must be a whole number between 20, the least RDS takes, and 59000, so that the disk can grow; got ${var.database_storage_gib}."
  }
}

variable "database_storage_max_gib" {
  type        = number
  description = "GiB up to which the disk of a database grows by itself when a tenth of it is left."
  default     = 100

  validation {
    condition     = var.database_storage_max_gib >= 1.1 * var.database_storage_gib && var.database_storage_max_gib <= 65536 && floor(var.database_storage_max_gib) == var.database_storage_max_gib
    error_message = "database_storage_max_gib must be a whole number between ${ceil(1.1 * var.database_storage_gib)}, a tenth more than database_storage_gib (${var.database_storage_gib}), and 65536; got ${var.database_storage_max_gib}."
  }
}
