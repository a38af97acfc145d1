# A server sets itself up within its first minutes, so what it needs for that must be there
# before it starts, and may go only after it went.
resource "terraform_data" "setup_needs" {
  depends_on = [
    aws_iam_role_policy.deep_health_check,
    aws_ssm_parameter.deep_health_check,
    aws_iam_role_policy.setup,
    aws_iam_role_policy.setup_settings,
    aws_iam_role_policy.server_metrics,
    aws_ssm_parameter.load_balancer_keep_alive,
    aws_ssm_parameter.load_balancer_trusted_proxies,
    aws_iam_role_policy.database,
    aws_ssm_parameter.database,
    aws_vpc_security_group_egress_rule.database,
    aws_vpc_security_group_ingress_rule.database,
  ]
}
