mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "subnets_of_another_zone_move_none_that_are_there" {
  command = plan

  assert {
    condition     = aws_subnet.network_private["eu-central-1a"].cidr_block == "10.0.0.0/20" && aws_subnet.network_private["eu-central-1b"].cidr_block == "10.0.16.0/20"
    error_message = "private subnets do not count up from the start of the VPC"
  }

  assert {
    condition     = aws_subnet.network_public["eu-central-1a"].cidr_block == "10.0.128.0/20" && aws_subnet.network_public["eu-central-1b"].cidr_block == "10.0.144.0/20"
    error_message = "public subnets do not count up from the middle of the VPC"
  }
}

run "a_zone_is_left_out_and_moves_no_other" {
  command = plan

  variables {
    network_excluded_zones = ["eu-central-1a"]
  }

  assert {
    condition     = length(local.network_zones) == local.network_zone_count && !contains(local.network_zones, "eu-central-1a")
    error_message = "the network stands in ${join(", ", local.network_zones)}"
  }

  assert {
    condition     = aws_subnet.network_private["eu-central-1b"].cidr_block == "10.0.16.0/20" && aws_subnet.network_public["eu-central-1b"].cidr_block == "10.0.144.0/20"
    error_message = "the subnets of eu-central-1b moved"
  }
}

run "nothing_in_a_public_subnet_gets_an_address_unasked" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.network_public : subnet.map_public_ip_on_launch != true])
    error_message = "a public subnet hands out public addresses"
  }
}

run "per_zone_each_zone_goes_out_through_its_own_nat" {
  variables {
    network_nat = "per_zone"
  }

  assert {
    condition = alltrue([
      for zone in local.network_zones :
      aws_route.network_nat[zone].route_table_id == aws_route_table.network_private[zone].id
      && aws_route.network_nat[zone].nat_gateway_id == aws_nat_gateway.network[zone].id
      && aws_nat_gateway.network[zone].subnet_id == aws_subnet.network_public[zone].id
      && aws_route_table_association.network_private[zone].route_table_id == aws_route_table.network_private[zone].id
    ])
    error_message = "a zone goes out through another zone's NAT gateway"
  }

  assert {
    condition     = length(distinct([for gateway in aws_nat_gateway.network : gateway.id])) == length(local.network_zones)
    error_message = "${length(aws_nat_gateway.network)} NAT gateways for ${length(local.network_zones)} zones"
  }
}

run "a_closed_network_reaches_no_internet" {
  command = plan

  variables {
    network_nat                 = "none"
    network_interface_endpoints = ["ssm", "ssmmessages"]
  }

  assert {
    condition     = length(aws_nat_gateway.network) == 0 && length(aws_route.network_nat) == 0
    error_message = "a way out is left"
  }

  assert {
    condition     = keys(aws_vpc_endpoint.network_interface) == ["ssm", "ssmmessages"]
    error_message = "interface endpoints are ${join(", ", keys(aws_vpc_endpoint.network_interface))}"
  }
}

run "s3_is_reached_without_nat_from_every_zone" {
  assert {
    condition     = aws_vpc_endpoint.network_gateway["s3"].route_table_ids == toset([for table in aws_route_table.network_private : table.id])
    error_message = "the S3 endpoint is not in every private route table"
  }
}

run "a_region_with_too_few_zones_is_refused" {
  command = plan

  override_data {
    target = data.aws_availability_zones.network
    values = {
      names = ["eu-central-1a"]
    }
  }

  expect_failures = [aws_vpc.network]
}

run "a_network_without_any_way_out_is_refused" {
  command = plan

  variables {
    network_nat = "none"
  }

  expect_failures = [var.network_nat]
}

run "a_nat_in_every_city_is_refused" {
  command = plan

  variables {
    network_nat = "per_city"
  }

  expect_failures = [var.network_nat]
}

run "a_range_too_small_for_load_balancers_is_refused" {
  command = plan

  variables {
    network_cidr = "10.0.0.0/24"
  }

  expect_failures = [var.network_cidr]
}

run "a_range_that_is_no_range_is_refused" {
  command = plan

  variables {
    network_cidr = "10.0.0.0"
  }

  expect_failures = [var.network_cidr]
}

run "a_region_in_the_place_of_a_zone_is_refused" {
  command = plan

  variables {
    network_excluded_zones = ["eu-central-1"]
  }

  expect_failures = [var.network_excluded_zones]
}

run "a_retention_cloudwatch_does_not_know_is_refused" {
  command = plan

  variables {
    network_flow_log_retention_days = 31
  }

  expect_failures = [var.network_flow_log_retention_days]
}

run "a_full_service_name_is_refused" {
  command = plan

  variables {
    network_interface_endpoints = ["com.amazonaws.eu-central-1.ssm!"]
  }

  expect_failures = [var.network_interface_endpoints]
}
