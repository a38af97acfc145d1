# A network card with a private address of its own. It is put into a server, and other servers
# in the network know that server by the card's address.

locals {
  movable_interface_subnet = local.standalone_server_subnets["main"]
}

# Its own group, so that what is open is open under this address only.
resource "aws_security_group" "movable_interface" {
  name        = "${local.name}-movable-interface"
  description = "The private address of ${local.name} that moves"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-movable-interface" }
}

resource "aws_vpc_security_group_ingress_rule" "movable_interface" {
  for_each = coalesce(var.movable_interface_cidrs, [aws_vpc.network.cidr_block])

  security_group_id = aws_security_group.movable_interface.id
  description       = "Requests of other servers"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = local.standalone_server_port
  to_port           = local.standalone_server_port
}

resource "aws_vpc_security_group_egress_rule" "movable_interface" {
  for_each = local.setup_security_groups

  security_group_id            = each.value
  description                  = "Requests to the private address that moves"
  referenced_security_group_id = aws_security_group.movable_interface.id
  ip_protocol                  = "tcp"
  from_port                    = local.standalone_server_port
  to_port                      = local.standalone_server_port
}

resource "aws_network_interface" "movable_interface" {
  description     = "The private address of ${local.name} that moves"
  subnet_id       = local.movable_interface_subnet.id
  private_ips     = var.movable_interface_ip == null ? null : [var.movable_interface_ip]
  security_groups = [aws_security_group.movable_interface.id]

  attachment {
    instance     = aws_instance.standalone_server[var.floating_ip_active].id
    device_index = 1
  }

  tags = { Name = "${local.name}-movable-interface" }

  lifecycle {
    ignore_changes = [attachment] # where it is now, others decide; an apply must not move it back

    precondition {
      condition     = var.movable_interface_ip == null || cidrhost("${coalesce(var.movable_interface_ip, "0.0.0.0")}/${split("/", local.movable_interface_subnet.cidr_block)[1]}", 0) == cidrhost(local.movable_interface_subnet.cidr_block, 0)
      error_message = "movable_interface_ip (${coalesce(var.movable_interface_ip, "null")}) is not in ${local.movable_interface_subnet.cidr_block}, the subnet the servers stand in."
    }
  }
}
