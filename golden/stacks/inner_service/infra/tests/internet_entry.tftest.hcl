mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "every_request_is_forwarded" {
  assert {
    condition     = aws_lb_listener_rule.internet_entry.action[0].type == "forward" && aws_lb_listener_rule.internet_entry.action[0].target_group_arn == local.load_balancer_target_group_arn
    error_message = "requests do not reach the servers"
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.internet_entry : rule.from_port]) == toset([80])
    error_message = "open ports: ${join(", ", [for rule in aws_vpc_security_group_ingress_rule.internet_entry : rule.from_port])}"
  }
}

run "both_kinds_of_addresses_are_let_in" {
  command = plan

  variables {
    internet_entry_cidrs = ["203.0.113.0/24", "2001:db8::/32"]
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.internet_entry : rule.cidr_ipv4 if rule.cidr_ipv4 != null]) == toset(["203.0.113.0/24"])
    error_message = "the IPv4 range is not the only one of its kind"
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.internet_entry : rule.cidr_ipv6 if rule.cidr_ipv6 != null]) == toset(["2001:db8::/32"])
    error_message = "the IPv6 range is not the only one of its kind"
  }
}

run "a_bare_address_is_refused" {
  command = plan

  variables {
    internet_entry_cidrs = ["203.0.113.7"]
  }

  expect_failures = [var.internet_entry_cidrs]
}

run "a_door_nobody_may_use_is_refused" {
  command = plan

  variables {
    internet_entry_cidrs = []
  }

  expect_failures = [var.internet_entry_cidrs]
}
