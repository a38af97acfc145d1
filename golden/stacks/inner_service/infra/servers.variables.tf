variable "servers_instance_refresh" {
  type        = bool
  description = "Whether a change to the launch template replaces the running servers; with false they keep what they were started with."
  default     = true
}

variable "servers_instance_type" {
  type        = string
  description = "EC2 instance type of the servers; the image follows its architecture, arm64 or x86_64."
  default     = "t4g.small"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9a-z]+)?)$", var.servers_instance_type))
    error_message = "servers_instance_type must be an EC2 instance type, such as t4g.small; got \"${var.servers_instance_type}\"."
  }
}

variable "servers_volume_gib" {
  type        = number
  description = "Size of a server's root volume, in GiB."
  default     = 10

  validation {
    condition     = var.servers_volume_gib >= 8 && var.servers_volume_gib <= 16384 && floor(var.servers_volume_gib) == var.servers_volume_gib
    error_message = "servers_volume_gib must be a whole number between 8, the size of the image, and 16384, the largest gp3 volume; got ${var.servers_volume_gib}."
  }
}

variable "servers_warmup_seconds" {
  type        = number
  description = "Seconds a new server is given to set itself up before the next old one is replaced."
  default     = 300

  validation {
    condition     = var.servers_warmup_seconds >= 0 && var.servers_warmup_seconds <= 3600
    error_message = "servers_warmup_seconds must be between 0 and 3600; a server that needs more than an hour should start from an image; got ${var.servers_warmup_seconds}."
  }
}
