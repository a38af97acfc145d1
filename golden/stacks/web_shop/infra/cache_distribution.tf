# Files that are the same for everybody are kept at the edge. The application says how
# long in `Cache-Control`; this policy holds it within bounds.

resource "aws_cloudfront_cache_policy" "cache_distribution" {
  name    = "${local.name}-static"
  comment = "Files of ${local.name} that are the same for everybody"

  # The least must be 0: a larger one would keep even what says `no-store`.
  min_ttl     = 0
  default_ttl = var.cache_distribution_edge_seconds
  max_ttl     = var.cache_distribution_max_seconds

  # Nothing of who asked may be part of the copy's name, nor reach the origin.
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

# What the application puts into `Cache-Control`.
resource "aws_ssm_parameter" "cache_distribution" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = {
    cache_edge_seconds = var.cache_distribution_edge_seconds
    cache_page_seconds = var.cache_distribution_page_seconds
    public_scheme      = "https" # CloudFront sends users there, whatever it speaks to its origin
    static_max_age     = var.cache_distribution_browser_seconds
  }

  name  = "/${var.project}/${var.environment}/app/${each.key}"
  type  = "String"
  value = each.value
}
