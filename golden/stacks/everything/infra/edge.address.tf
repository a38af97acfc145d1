# What users call the distribution by.

locals {
  edge_names       = [local.dns_names.edge]
  edge_certificate = aws_acm_certificate_validation.dns_edge.certificate_arn
  edge_address     = "https://${local.edge_names[0]}"
}
