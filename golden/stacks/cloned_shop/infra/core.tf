# What every other file leans on: one name, one set of tags, and where we are.

locals {
  name = "${var.project}-${var.environment}"

  # The provider puts these on everything it creates. Instances and volumes are
  # created by the launch template, so it has to repeat them.
  tags = {
    Environment = var.environment
    ManagedBy   = "terraform"
    Project     = var.project
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}
