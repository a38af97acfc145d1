# CloudFront fetches what it does not keep from the server with the fixed address, whichever
# server that is, and users reach that server through CloudFront only.

data "aws_ec2_managed_prefix_list" "address_origin" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

# The list counts as 55 of the 60 rules a security group takes, so it can open one port only.
resource "aws_vpc_security_group_ingress_rule" "address_origin" {
  security_group_id = aws_security_group.standalone_server.id
  description       = "Requests from CloudFront"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.address_origin.id
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

# The application learns from CloudFront who the user is, and believes nobody else.
resource "aws_ssm_parameter" "address_origin" {
  name  = "${local.setup_settings_path}/trusted_proxies"
  type  = "String"
  value = join(",", sort([for entry in data.aws_ec2_managed_prefix_list.address_origin.entries : entry.cidr]))
}
