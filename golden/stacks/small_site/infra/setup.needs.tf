# A server sets itself up within its first minutes, so what it needs for that must be there
# before it starts, and may go only after it went.
resource "terraform_data" "setup_needs" {
  depends_on = [
    aws_iam_role_policy.setup,
    aws_iam_role_policy.setup_settings,
    aws_iam_role_policy.server_metrics,
    aws_ssm_parameter.cached_answers,
    aws_ssm_parameter.address_origin,
  ]
}
