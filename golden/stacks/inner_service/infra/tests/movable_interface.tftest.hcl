mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_card_is_in_a_server_of_its_own_subnet" {
  assert {
    condition     = aws_network_interface.movable_interface.subnet_id == aws_instance.standalone_server["main"].subnet_id && one(aws_network_interface.movable_interface.attachment).instance == aws_instance.standalone_server["main"].id
    error_message = "the card is elsewhere than the server"
  }

  assert {
    condition     = length(distinct([for server in aws_instance.standalone_server : server.subnet_id])) == 1
    error_message = "servers stand in several subnets, and the card can be in one only"
  }
}

run "other_servers_may_call_it_and_the_world_may_not" {
  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.movable_interface : [rule.cidr_ipv4, rule.from_port, rule.to_port]] == [[var.network_cidr, local.standalone_server_port, local.standalone_server_port]]
    error_message = "more than the network may call the address, or less"
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.movable_interface)) == toset(local.setup_kinds)
    error_message = "a kind of server may not call the address"
  }
}

run "who_is_connected_to_the_network_may_be_let_in" {
  command = plan

  variables {
    movable_interface_cidrs = ["10.20.0.0/16"]
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.movable_interface) == ["10.20.0.0/16"]
    error_message = "somebody else is let in"
  }
}

run "the_address_may_be_chosen" {
  command = plan

  variables {
    movable_interface_ip = "10.0.0.50"
  }

  assert {
    condition     = aws_network_interface.movable_interface.private_ips == toset(["10.0.0.50"])
    error_message = "the card has another address"
  }
}

run "an_address_of_another_subnet_is_refused" {
  command = plan

  variables {
    movable_interface_ip = "192.168.0.50"
  }

  expect_failures = [aws_network_interface.movable_interface]
}

run "what_is_no_address_is_refused" {
  command = plan

  variables {
    movable_interface_ip = "10.0.0.0/24"
  }

  expect_failures = [var.movable_interface_ip]
}

run "what_is_no_range_is_refused" {
  command = plan

  variables {
    movable_interface_cidrs = ["10.20.0.0"]
  }

  expect_failures = [var.movable_interface_cidrs]
}
