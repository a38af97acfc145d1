variable "url_rewriting_enabled" {
  type        = bool
  description = "Whether links to static files are changed; false is the way back to web servers that serve them. Servers learn of it when they are set up."
  default     = true
  nullable    = false
}
