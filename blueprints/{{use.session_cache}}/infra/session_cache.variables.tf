variable "session_cache_backup_days" {
  type        = number
  description = "Days that a nightly copy of all sessions is kept; 0 makes none."
  default     = 1

  validation {
    condition     = var.session_cache_backup_days >= 0 && var.session_cache_backup_days <= 35 && floor(var.session_cache_backup_days) == var.session_cache_backup_days
    error_message = "session_cache_backup_days must be a whole number between 0 and 35, the most ElastiCache keeps; got ${var.session_cache_backup_days}."
  }
}

variable "session_cache_engine_version" {
  type        = string
  description = "Valkey version of the cache, major and minor; patches come by themselves. A higher one is an upgrade in place, a lower one a new and empty cache."
  default     = "8.1"

  validation {
    condition     = can(regex("^(?:[89]|[1-9][0-9])\\.[0-9]{1,2}$", var.session_cache_engine_version))
    error_message = "session_cache_engine_version must be a major and a minor version of at least 8.0, such as 8.1; got \"${var.session_cache_engine_version}\"."
  }
}

variable "session_cache_node_type" {
  type        = string
  description = "ElastiCache node type, which decides how many sessions there is memory for."
  default     = "cache.t4g.small"

  validation {
    condition     = can(regex("^cache\\.[a-z][a-z0-9]*\\.(?:micro|small|medium|large|[0-9]*xlarge)$", var.session_cache_node_type))
    error_message = "session_cache_node_type must be an ElastiCache node type, such as cache.t4g.small; got \"${var.session_cache_node_type}\"."
  }
}

variable "session_cache_nodes" {
  type        = number
  description = "Nodes of the cache, a primary and its copies; null takes one in each zone of the network, and two at least."
  default     = null

  validation {
    condition     = var.session_cache_nodes == null || try(var.session_cache_nodes >= 2 && var.session_cache_nodes <= 6 && floor(var.session_cache_nodes) == var.session_cache_nodes, false)
    error_message = "session_cache_nodes must be a whole number between 2, since sessions on a single node are lost with it, and 6, the most a primary has copies for; got ${coalesce(var.session_cache_nodes, 0)}."
  }
}

variable "session_cache_security_group_id" {
  type        = string
  description = "Security group of the cache that session_cache_url names; the servers are let through to it on both sides. Null changes no group."
  default     = null

  validation {
    condition     = var.session_cache_security_group_id == null || can(regex("^sg-[0-9a-f]{8}(?:[0-9a-f]{9})?$", var.session_cache_security_group_id))
    error_message = "session_cache_security_group_id must be the id of a security group, such as sg-0123456789abcdef0, or null; got \"${coalesce(var.session_cache_security_group_id, "null")}\"."
  }

  validation {
    condition     = var.session_cache_security_group_id == null || var.session_cache_url != null
    error_message = "session_cache_security_group_id must be null while session_cache_url is: a cache that is made here has a group of its own."
  }
}

variable "session_cache_url" {
  type        = string
  description = "Cache that is there already, as valkeys://host:port, to keep the sessions in; null makes one here."
  default     = null

  validation {
    condition     = var.session_cache_url == null || can(regex("^(?:valkeys://[A-Za-z0-9.-]+|valkey://(?:127\\.0\\.0\\.1|localhost)):[0-9]{1,5}$", var.session_cache_url))
    error_message = "session_cache_url must be valkeys://host:port (valkey:// without encryption only for this very machine, and no password in it), or null; got \"${coalesce(var.session_cache_url, "null")}\"."
  }
}
