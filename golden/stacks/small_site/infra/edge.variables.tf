variable "edge_error_percent" {
  type        = number
  description = "Share of requests that may end in a 5xx error at the edge, in percent; an alarm tells when it is more for five minutes."
  default     = 1

  validation {
    condition     = var.edge_error_percent >= 0 && var.edge_error_percent < 100
    error_message = "edge_error_percent must be at least 0 and below 100, or no alarm could ever go off; got ${var.edge_error_percent}."
  }
}

variable "edge_log_days" {
  type        = number
  description = "Days access logs of CloudFront are kept."
  default     = 90

  validation {
    condition     = var.edge_log_days >= 1 && floor(var.edge_log_days) == var.edge_log_days
    error_message = "edge_log_days must be a whole number of at least 1; got ${var.edge_log_days}."
  }
}

variable "edge_price_class" {
  type        = string
  description = "Edge locations users are served from: PriceClass_100 is North America and Europe, PriceClass_200 most of the world, PriceClass_All everywhere; more places cost more."
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.edge_price_class)
    error_message = "edge_price_class must be PriceClass_100, PriceClass_200 or PriceClass_All; got \"${var.edge_price_class}\"."
  }
}

variable "edge_wait_for_deployment" {
  type        = bool
  description = "Whether an apply waits, for some minutes, until every edge location has the change."
  default     = true
}
