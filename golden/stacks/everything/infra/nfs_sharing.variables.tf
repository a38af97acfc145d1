variable "nfs_sharing_backups" {
  type        = bool
  description = "Whether AWS Backup copies the share every night and keeps each copy for 35 days; costs by what is copied. Switching it off keeps the copies that are there. Copies are made elsewhere already."
  default     = false
}

variable "nfs_sharing_infrequent_days" {
  type        = number
  description = "Days without a read after which a file moves to the class for rare access, cheaper to keep and dearer to read; null keeps every file in the standard class."
  default     = 30

  validation {
    condition     = var.nfs_sharing_infrequent_days == null || contains([1, 7, 14, 30, 60, 90, 180, 270, 365], coalesce(var.nfs_sharing_infrequent_days, 0))
    error_message = "nfs_sharing_infrequent_days must be a number of days EFS knows, 1, 7, 14, 30, 60, 90, 180, 270 or 365, or null; got ${coalesce(var.nfs_sharing_infrequent_days, 0)}."
  }
}

variable "nfs_sharing_provisioned_mibps" {
  type        = number
  description = "MiB a second that are paid for whether they are used or not, with nfs_sharing_throughput_mode = \"provisioned\"; null with the other modes."
  default     = null

  validation {
    condition     = var.nfs_sharing_provisioned_mibps == null || (coalesce(var.nfs_sharing_provisioned_mibps, 0) >= 1 && coalesce(var.nfs_sharing_provisioned_mibps, 0) <= 3414)
    error_message = "nfs_sharing_provisioned_mibps must be between 1 and 3414, the most EFS takes in any Region, or null; got ${coalesce(var.nfs_sharing_provisioned_mibps, 0)}."
  }

  validation {
    condition     = (var.nfs_sharing_provisioned_mibps != null) == (var.nfs_sharing_throughput_mode == "provisioned")
    error_message = "nfs_sharing_provisioned_mibps must be set with nfs_sharing_throughput_mode = \"provisioned\" and only with it; the mode is \"${var.nfs_sharing_throughput_mode}\"."
  }
}

variable "nfs_sharing_restored_folder" {
  type        = string
  description = "Folder that AWS Backup restored files into, such as /aws-backup-restore_2026-01-31T02-00-00-000000Z: servers may mount it while you copy files back; null for none."
  default     = null

  validation {
    condition     = var.nfs_sharing_restored_folder == null || can(regex("^/aws-backup-restore_[0-9A-Za-z._:-]+$", var.nfs_sharing_restored_folder))
    error_message = "nfs_sharing_restored_folder must be the folder of a restore, /aws-backup-restore_ and its time, or null; got \"${coalesce(var.nfs_sharing_restored_folder, "null")}\"."
  }
}

variable "nfs_sharing_throughput_mode" {
  type        = string
  description = "How the share's throughput is paid: elastic by the byte moved, bursting by the byte kept with credits for peaks, provisioned by the MiB a second. AWS lets it go down once a day only."
  default     = "elastic"

  validation {
    condition     = contains(["bursting", "elastic", "provisioned"], var.nfs_sharing_throughput_mode)
    error_message = "nfs_sharing_throughput_mode must be elastic, bursting or provisioned; got \"${var.nfs_sharing_throughput_mode}\"."
  }
}
