variable "scale_up_largest_type" {
  type        = string
  description = "The biggest instance type you would pay for; at this size the alarms say that a bigger server is no longer the answer."
  default     = "t4g.2xlarge"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9a-z]+)?)$", var.scale_up_largest_type))
    error_message = "scale_up_largest_type must be an EC2 instance type, such as t4g.2xlarge; got \"${var.scale_up_largest_type}\"."
  }
}

variable "scale_up_low_cpu_percent" {
  type        = number
  description = "Use of the CPU, in percent, below which the server is too big if it stays there for a week and memory is free too."
  default     = 10

  validation {
    condition     = var.scale_up_low_cpu_percent > 0 && var.scale_up_low_cpu_percent < var.standalone_server_cpu_percent
    error_message = "scale_up_low_cpu_percent must be more than 0 and less than standalone_server_cpu_percent (${var.standalone_server_cpu_percent}); got ${var.scale_up_low_cpu_percent}."
  }
}

variable "scale_up_low_memory_percent" {
  type        = number
  description = "Memory in use, in percent, below which the server is too big if it stays there for a week and the CPU is idle too; half as much memory has to be enough."
  default     = 40

  validation {
    condition     = var.scale_up_low_memory_percent > 0 && var.scale_up_low_memory_percent * 2 <= var.scale_up_memory_percent
    error_message = "scale_up_low_memory_percent must be more than 0 and at most half of scale_up_memory_percent (${var.scale_up_memory_percent}), or the smaller server would ring at once; got ${var.scale_up_low_memory_percent}."
  }
}

variable "scale_up_memory_percent" {
  type        = number
  description = "Memory in use, in percent, that rings after 15 minutes."
  default     = 85

  validation {
    condition     = var.scale_up_memory_percent > 0 && var.scale_up_memory_percent < 100
    error_message = "scale_up_memory_percent must be more than 0 and less than 100; got ${var.scale_up_memory_percent}."
  }
}

variable "scale_up_swap_percent" {
  type        = number
  description = "Swap in use, in percent, that rings after 15 minutes: memory has run out by then."
  default     = 25

  validation {
    condition     = var.scale_up_swap_percent > 0 && var.scale_up_swap_percent < 100
    error_message = "scale_up_swap_percent must be more than 0 and less than 100; got ${var.scale_up_swap_percent}."
  }
}
