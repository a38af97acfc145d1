# What the application puts into `Cache-Control` of its answers: the edge and browsers go by it.
resource "aws_ssm_parameter" "cached_answers" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = {
    cache_edge_seconds = var.cached_answers_edge_seconds
    cache_page_seconds = var.cached_answers_page_seconds
    public_scheme      = "https" # CloudFront sends users there, whatever it speaks to its origin
    static_max_age     = var.cached_answers_browser_seconds
  }

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}
