mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_address_leads_to_a_server_that_the_internet_can_reach" {
  assert {
    condition     = aws_eip.elastic_address.network_interface == aws_instance.standalone_server["main"].primary_network_interface_id
    error_message = "the address leads to another server"
  }

  assert {
    condition     = alltrue([for name, server in aws_instance.standalone_server : server.associate_public_ip_address && server.subnet_id == aws_subnet.network_public[local.standalone_server_zones[name]].id])
    error_message = "a server without the address has no way out, or users have no way in"
  }
}

run "nobody_gets_past_what_stands_in_front" {
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.elastic_address) == 0
    error_message = "users could leave out what stands in front of the server"
  }
}

run "it_can_be_narrowed" {
  command = plan

  variables {
    elastic_address_cidrs = ["203.0.113.0/24"]
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.elastic_address) == ["203.0.113.0/24"]
    error_message = "somebody else is let in, too"
  }
}

run "what_is_open_is_what_the_server_hands_on" {
  assert {
    condition     = strcontains(file("${local.setup_root}/servers/setup/configure/elastic_address/elastic-address.conf"), "tcp dport 80 redirect to :${local.standalone_server_port}\n")
    error_message = "port 80 leads elsewhere than to the application"
  }
}

run "a_range_of_the_newer_kind_is_refused" {
  command = plan

  variables {
    elastic_address_cidrs = ["2001:db8::/32"]
  }

  expect_failures = [var.elastic_address_cidrs]
}
