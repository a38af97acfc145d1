# Files that are the same for everybody are kept at the edge. Each says how long in
# `Cache-Control`; this policy holds it within bounds.

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
