variable "stamp_image_id" {
  type        = string
  description = "Image to start servers from that was built elsewhere with the same setup phases; null builds one here."
  default     = null

  validation {
    condition     = var.stamp_image_id == null || can(regex("^ami-[0-9a-f]{8}(?:[0-9a-f]{9})?$", var.stamp_image_id))
    error_message = "stamp_image_id must be the id of an image, such as ami-0123456789abcdef0, or null; got \"${coalesce(var.stamp_image_id, "null")}\"."
  }
}

variable "stamp_keep" {
  type        = number
  description = "Newest images that are kept to go back to; older ones are deleted with their snapshots."
  default     = 5

  validation {
    condition     = var.stamp_keep >= 2 && var.stamp_keep <= 1000 && floor(var.stamp_keep) == var.stamp_keep
    error_message = "stamp_keep must be a whole number between 2, the image in use and one to go back to, and 1000; got ${var.stamp_keep}."
  }
}

variable "stamp_max_age_days" {
  type        = number
  description = "Days after which a plan warns that the image in use lacks patches."
  default     = 30

  validation {
    condition     = var.stamp_max_age_days >= 1 && floor(var.stamp_max_age_days) == var.stamp_max_age_days
    error_message = "stamp_max_age_days must be a whole number of at least 1; got ${var.stamp_max_age_days}."
  }
}

variable "stamp_schedule" {
  type        = string
  description = "When to look for patches and build a patched image if there are any, in UTC."
  default     = "cron(0 4 ? * sun *)"

  validation {
    condition     = can(regex("^cron\\([^ ]+( [^ ]+){5}\\)$", var.stamp_schedule)) || can(regex("^rate\\([1-9][0-9]* (?:hours?|days?)\\)$", var.stamp_schedule))
    error_message = "stamp_schedule must be cron(…) with six fields or rate(…) in hours or days, such as cron(0 4 ? * sun *); got \"${var.stamp_schedule}\"."
  }
}
