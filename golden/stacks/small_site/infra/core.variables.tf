variable "environment" {
  type        = string
  description = "Stage this deployment is for; the second part of every AWS name."
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.environment))
    error_message = "environment must be 2 to 8 lower-case letters and digits, and start with a letter; got \"${var.environment}\"."
  }
}

variable "project" {
  type        = string
  description = "Name of the project; the first part of every AWS name."
  default     = "shop"

  validation {
    condition     = contains(range(3, 21), length(var.project)) && can(regex("^[a-z](?:-?[a-z0-9])*$", var.project))
    error_message = "project must be 3 to 20 lower-case letters, digits and single hyphens, and start with a letter; got \"${var.project}\"."
  }

  validation {
    condition     = !can(regex("^(?:aws|amazon|amzn|ssm|internal(?:-|$))", var.project))
    error_message = "project must not start with aws, amazon, amzn, ssm or internal-, which AWS keeps for its own names; got \"${var.project}\"."
  }
}

variable "region" {
  type        = string
  description = "AWS Region everything is created in."
  default     = "eu-central-1"

  validation {
    condition     = can(regex("^[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}$", var.region))
    error_message = "region must be the name of an AWS Region, such as eu-central-1; got \"${var.region}\"."
  }
}
