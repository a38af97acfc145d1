variable "clone_server_copy_seconds" {
  type        = number
  description = "Seconds one copy of the master's content may take, the first one of a new clone included."
  default     = 600

  validation {
    condition     = var.clone_server_copy_seconds >= 10 && floor(var.clone_server_copy_seconds) == var.clone_server_copy_seconds
    error_message = "clone_server_copy_seconds must be a whole number of at least 10; got ${var.clone_server_copy_seconds}."
  }

  validation {
    condition     = var.clone_server_copy_seconds <= var.setup_minutes * 60 - 300
    error_message = "clone_server_copy_seconds must leave five minutes of setup_minutes (${var.setup_minutes}), in which a new clone waits for its master, or it would be taken away while it copies; got ${var.clone_server_copy_seconds}."
  }
}

variable "clone_server_count" {
  type        = number
  description = "Clones that run beside the master; where the number follows the load, the least there are."
  default     = 1

  validation {
    condition     = var.clone_server_count >= 1 && var.clone_server_count <= 100 && floor(var.clone_server_count) == var.clone_server_count
    error_message = "clone_server_count must be a whole number between 1 and 100; got ${var.clone_server_count}."
  }
}

variable "clone_server_interval_seconds" {
  type        = number
  description = "Seconds between two copies: how long a clone takes, at most and without large changes, to have what changed on the master."
  default     = 60

  validation {
    condition     = var.clone_server_interval_seconds >= 15 && var.clone_server_interval_seconds <= 3600 && floor(var.clone_server_interval_seconds) == var.clone_server_interval_seconds
    error_message = "clone_server_interval_seconds must be a whole number between 15 and 3600, an hour; got ${var.clone_server_interval_seconds}."
  }
}

variable "clone_server_master_paths" {
  type        = list(string)
  description = "Paths whose every request goes to the master, as the load balancer writes them, such as /admin/*: pages that must show at once what was just written."
  default     = []
  nullable    = false

  validation {
    condition     = length(var.clone_server_master_paths) <= 15 && length(distinct(var.clone_server_master_paths)) == length(var.clone_server_master_paths)
    error_message = "clone_server_master_paths must hold at most 15 paths, none of them twice; got ${jsonencode(var.clone_server_master_paths)}."
  }

  validation {
    condition     = alltrue([for path in var.clone_server_master_paths : can(regex("^/[A-Za-z0-9_.$/~\"'@:+&()!,;=*?-]{0,127}$", path))])
    error_message = "clone_server_master_paths must hold paths that begin with a slash and have at most 128 characters, without spaces or #; got ${jsonencode(var.clone_server_master_paths)}."
  }
}

variable "clone_server_max_age_seconds" {
  type        = number
  description = "Seconds after which a clone's copy counts as stale and the alarm rings; it is served all the same."
  default     = 900

  validation {
    condition     = var.clone_server_max_age_seconds <= 604800 && floor(var.clone_server_max_age_seconds) == var.clone_server_max_age_seconds
    error_message = "clone_server_max_age_seconds must be a whole number up to 604800, a week; got ${var.clone_server_max_age_seconds}."
  }

  validation {
    condition     = var.clone_server_max_age_seconds >= 3 * var.clone_server_interval_seconds
    error_message = "clone_server_max_age_seconds must be at least three times clone_server_interval_seconds (${var.clone_server_interval_seconds}), or one late copy would ring the alarm; got ${var.clone_server_max_age_seconds}."
  }
}
