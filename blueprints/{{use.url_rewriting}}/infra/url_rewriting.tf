# A filter in the web servers changes links to static files as pages leave. Where the
# parameters are missing the filter is off, and the servers serve the files themselves.

resource "aws_ssm_parameter" "url_rewriting" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = var.url_rewriting_enabled ? {
    url_rewriting_base     = local.web_storage_url
    url_rewriting_prefixes = join(",", local.web_storage_prefixes)
  } : {}

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}
