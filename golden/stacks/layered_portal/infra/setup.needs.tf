# A server sets itself up within its first minutes, so what it needs for that must be there
# before it starts, and may go only after it went.
resource "terraform_data" "setup_needs" {
  depends_on = [
    aws_ssm_parameter.state_sharing,
    aws_iam_role_policy.setup,
    aws_iam_role_policy.setup_settings,
    aws_ssm_parameter.load_balancer_keep_alive,
    aws_ssm_parameter.load_balancer_trusted_proxies,
    aws_iam_role_policy.session_cache,
    aws_ssm_parameter.session_cache,
    aws_vpc_security_group_egress_rule.session_cache,
    aws_vpc_security_group_ingress_rule.session_cache,
  ]
}
