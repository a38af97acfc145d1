variable "rewrite_proxy_prefixes" {
  type        = list(string)
  description = "Paths whose links are led away from the web servers; the files must be at the same path in the bucket."
  default     = ["/static/"]
  nullable    = false

  validation {
    condition     = length(var.rewrite_proxy_prefixes) > 0 && alltrue([for prefix in var.rewrite_proxy_prefixes : can(regex("^/(?:[A-Za-z0-9._~-]+/)+$", prefix))])
    error_message = "rewrite_proxy_prefixes must hold paths that begin and end with a slash and have a name between, such as /static/; got ${jsonencode(var.rewrite_proxy_prefixes)}."
  }
}
