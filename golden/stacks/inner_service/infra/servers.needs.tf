# A server sets itself up within its first minutes, so whatever it needs for that must be
# there before it starts, and may go only after it went.
resource "terraform_data" "servers_needs" {
  depends_on = [
    aws_iam_role_policy.servers_launch_hook,
    aws_iam_role_policy.servers_session_manager,
    aws_route.network_nat,
    aws_route_table_association.network_private,
    aws_vpc_endpoint.network_gateway,
    aws_vpc_endpoint.network_interface,
    aws_vpc_security_group_egress_rule.servers_https,
    terraform_data.setup_needs,
  ]
}
