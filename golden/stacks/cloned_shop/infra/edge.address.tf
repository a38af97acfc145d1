# What users call the distribution by.

locals {
  edge_names       = [] # CloudFront gives it one, with a certificate
  edge_certificate = null
  edge_address     = "https://${aws_cloudfront_distribution.edge.domain_name}"
}
