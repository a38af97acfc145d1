# A public address that belongs to the system and not to a server: whoever has it answers users.

locals {
  # Whether those who log in speak HTTPS; who leads them here, or elsewhere, sees to that.
  elastic_address_https = true
}

resource "aws_eip" "elastic_address" {
  domain            = "vpc"
  network_interface = aws_instance.standalone_server["main"].primary_network_interface_id

  tags = { Name = "${local.name}-elastic-address" }

  # An address without a way to the internet cannot be given to a server.
  depends_on = [aws_internet_gateway.network]
}

resource "aws_vpc_security_group_ingress_rule" "elastic_address" {
  for_each = var.elastic_address_cidrs

  security_group_id = aws_security_group.standalone_server.id
  description       = "Requests of users"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}
