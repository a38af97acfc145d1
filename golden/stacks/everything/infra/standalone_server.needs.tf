# A server sets itself up within its first minutes, so what it needs for that must be there
# before it starts, and may go only after it went.
resource "terraform_data" "standalone_server_needs" {
  depends_on = [
    aws_iam_role_policy.standalone_server,
    aws_route.network_internet,
    aws_route_table_association.network_public,
    aws_vpc_endpoint.network_gateway,
    aws_vpc_endpoint.network_interface,
    aws_vpc_security_group_egress_rule.standalone_server_https,
    terraform_data.setup_needs,
    aws_ssm_parameter.url_rewriting,
  ]
}
