# A server sets itself up within its first minutes, so what it needs for that must be there
# before it starts, and may go only after it went.
resource "terraform_data" "setup_needs" {
  depends_on = [
    aws_iam_role_policy.clone_server,
    aws_ssm_parameter.clone_server,
    aws_ssm_parameter.clone_server_key,
    aws_ssm_parameter.clone_server_max_age,
    aws_vpc_security_group_egress_rule.clone_server_content,
    aws_vpc_security_group_ingress_rule.clone_server_content,
    aws_s3_object.web_storage,
    aws_iam_role_policy.setup,
    aws_iam_role_policy.setup_settings,
    aws_ssm_parameter.load_balancer_keep_alive,
    aws_ssm_parameter.load_balancer_trusted_proxies,
    aws_ssm_parameter.cached_answers,
  ]
}
