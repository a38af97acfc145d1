variable "standalone_server_cpu_percent" {
  type        = number
  description = "Average use of the CPU, in percent, that rings after 15 minutes."
  default     = 80

  validation {
    condition     = var.standalone_server_cpu_percent > 0 && var.standalone_server_cpu_percent <= 100
    error_message = "standalone_server_cpu_percent must be more than 0 and at most 100; got ${var.standalone_server_cpu_percent}."
  }
}

variable "standalone_server_detailed_monitoring" {
  type        = bool
  description = "Whether EC2 reports CPU and network each minute instead of every five; paid by the metric."
  default     = true
}

variable "standalone_server_follow" {
  type        = bool
  description = "Whether an apply sets the running server up again when a file changed; with false somebody runs the setup document by hand."
  default     = true
}

variable "standalone_server_instance_type" {
  type        = string
  description = "EC2 instance type of the standalone server. Another one stops it for a minute or two and keeps its disks; it must have the same architecture, arm64 or x86_64."
  default     = "t4g.small"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9a-z]+)?)$", var.standalone_server_instance_type))
    error_message = "standalone_server_instance_type must be an EC2 instance type, such as t4g.small; got \"${var.standalone_server_instance_type}\"."
  }
}

variable "standalone_server_termination_protection" {
  type        = bool
  description = "Whether EC2 refuses to terminate the server for people and programs; Terraform itself switches it off before it destroys the server."
  default     = true
}

variable "standalone_server_volume_gib" {
  type        = number
  description = "Size of the system disk, in GiB; it can grow and never shrink."
  default     = 10

  validation {
    condition     = var.standalone_server_volume_gib >= 8 && var.standalone_server_volume_gib <= 16384 && floor(var.standalone_server_volume_gib) == var.standalone_server_volume_gib
    error_message = "standalone_server_volume_gib must be a whole number between 8, the size of the image, and 16384, the largest gp3 volume; got ${var.standalone_server_volume_gib}."
  }
}
