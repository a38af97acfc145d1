terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.83, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = var.project
      Environment = "production"
    }
  }
}

variable "region" {
  description = "The AWS Region to deploy to"
  type        = string
  default     = "us-east-1"
}

variable "project" {
  description = "The name of the project, used in the names of resources"
  type        = string
  default     = "shop"
}

variable "instance_type" {
  description = "The type of the web servers"
  type        = string
  default     = "t3.micro"
}

variable "alarm_email" {
  description = "Who is told when something is wrong"
  type        = string
  default     = "ops@example.com"
}

output "url" {
  description = "Where the shop is"
  value       = "https://${aws_cloudfront_distribution.shop.domain_name}"
}
