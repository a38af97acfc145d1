# How long sessions live, and how browsers are told of them. Where they live is the
# session store's own matter.

locals {
  # A browser keeps a cookie marked secure only where it came over HTTPS.
  state_sharing_https = local.elastic_address_https
}

resource "aws_ssm_parameter" "state_sharing" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = {
    session_cookie_secure   = coalesce(var.state_sharing_cookie_secure, local.state_sharing_https)
    session_max_age_seconds = var.state_sharing_max_age_seconds
    session_ttl_seconds     = var.state_sharing_ttl_seconds
  }

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}
