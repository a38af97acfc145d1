variable "ondemand_disk_alarm_percent" {
  type        = number
  description = "How full the data disk is, in percent, when an alarm rings; early enough to grow it in time."
  default     = 80

  validation {
    condition     = var.ondemand_disk_alarm_percent >= 1 && var.ondemand_disk_alarm_percent <= 95
    error_message = "ondemand_disk_alarm_percent must be between 1 and 95, or nobody would hear of it in time; got ${var.ondemand_disk_alarm_percent}."
  }
}

variable "ondemand_disk_final_snapshot" {
  type        = bool
  description = "Whether a copy of a volume is kept when it is destroyed."
  default     = true
}

variable "ondemand_disk_iops" {
  type        = number
  description = "Reads and writes a second of each volume; 3000 are in the price."
  default     = 3000

  validation {
    condition     = var.ondemand_disk_iops >= 3000 && var.ondemand_disk_iops <= 16000 && floor(var.ondemand_disk_iops) == var.ondemand_disk_iops
    error_message = "ondemand_disk_iops must be a whole number between 3000 and 16000, which gp3 offers everywhere; got ${var.ondemand_disk_iops}."
  }
}

variable "ondemand_disk_size_gib" {
  type        = number
  description = "Size of the data disk, in GiB, over all its volumes; it can grow while in use and never shrink."
  default     = 10

  validation {
    condition     = var.ondemand_disk_size_gib >= 1 && var.ondemand_disk_size_gib <= 16384 * var.ondemand_disk_stripe_count && floor(var.ondemand_disk_size_gib) == var.ondemand_disk_size_gib
    error_message = "ondemand_disk_size_gib must be a whole number between 1 and ${16384 * var.ondemand_disk_stripe_count}, 16384 for each volume; got ${var.ondemand_disk_size_gib}."
  }
}

variable "ondemand_disk_snapshot_ids" {
  type        = map(string)
  description = "Copies that the disk is made from, by the number of the volume, such as { 01 = \"snap-0123456789abcdef0\" }. Setting it replaces the disk by the copy; taking it out again changes nothing."
  default     = {}

  validation {
    condition     = alltrue([for id in values(var.ondemand_disk_snapshot_ids) : can(regex("^snap-[0-9a-f]{8,17}$", id))])
    error_message = "ondemand_disk_snapshot_ids must hold ids of snapshots, such as snap-0123456789abcdef0; got ${join(", ", values(var.ondemand_disk_snapshot_ids))}."
  }
}

variable "ondemand_disk_stripe_count" {
  type        = number
  description = "Volumes the data disk is striped over, for more speed than one volume has; decided before there is data."
  default     = 1

  validation {
    condition     = var.ondemand_disk_stripe_count >= 1 && var.ondemand_disk_stripe_count <= 8 && floor(var.ondemand_disk_stripe_count) == var.ondemand_disk_stripe_count
    error_message = "ondemand_disk_stripe_count must be a whole number between 1 and 8; got ${var.ondemand_disk_stripe_count}."
  }
}

variable "ondemand_disk_throughput_mib" {
  type        = number
  description = "MiB a second of each volume; 125 are in the price."
  default     = 125

  validation {
    condition     = var.ondemand_disk_throughput_mib >= 125 && var.ondemand_disk_throughput_mib <= 1000 && var.ondemand_disk_throughput_mib * 4 <= var.ondemand_disk_iops
    error_message = "ondemand_disk_throughput_mib must be between 125 and 1000, and at most a quarter of ondemand_disk_iops (${var.ondemand_disk_iops}); got ${var.ondemand_disk_throughput_mib}."
  }
}
