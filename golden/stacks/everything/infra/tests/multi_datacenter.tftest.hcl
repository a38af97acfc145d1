mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "three_zones_with_four_servers_required_make_six" {
  command = plan

  variables {
    multi_datacenter_zones = 3
    multi_server_required  = 4
  }

  assert {
    condition     = aws_autoscaling_group.servers.min_size == 6
    error_message = "the fleet has ${aws_autoscaling_group.servers.min_size} servers"
  }

  assert {
    condition     = output.multi_datacenter_servers_per_zone == 2
    error_message = "${output.multi_datacenter_servers_per_zone} servers a zone"
  }
}

run "two_zones_each_carry_everything" {
  command = plan

  variables {
    multi_datacenter_zones = 2
    multi_server_required  = 3
  }

  assert {
    condition     = aws_autoscaling_group.servers.min_size == 6
    error_message = "the fleet has ${aws_autoscaling_group.servers.min_size} servers"
  }
}

# The largest zone may hold one server more than the others, where the spare servers
# decide the size of the fleet.
run "what_is_left_without_the_largest_zone_carries_the_load" {
  command = plan

  variables {
    multi_datacenter_zones = 3
    multi_server_required  = 5
    multi_server_spare     = 5
  }

  assert {
    condition     = local.servers_count - ceil(local.servers_count / var.multi_datacenter_zones) >= var.multi_server_required
    error_message = "of ${local.servers_count} servers too few are left"
  }
}

run "the_fleet_and_the_load_balancer_stand_in_every_zone" {
  assert {
    condition     = local.servers_zones == local.network_zones && length(local.network_zones) == var.multi_datacenter_zones
    error_message = "the fleet stands in ${join(", ", local.servers_zones)}, the network in ${join(", ", local.network_zones)}"
  }

  assert {
    condition     = aws_lb.load_balancer.subnets == toset([for zone in local.network_zones : aws_subnet.network_public[zone].id])
    error_message = "the load balancer misses a zone"
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.multi_datacenter_zone)) == toset(local.network_zones)
    error_message = "a zone could be lost without an alarm"
  }
}

# All are of one size, so those that differ do not overlap.
run "six_zones_have_room_in_the_smallest_network" {
  command = plan

  variables {
    multi_datacenter_zones = 6
    network_cidr           = "10.0.0.0/22"
  }

  assert {
    condition     = length(distinct([for subnet in concat(values(aws_subnet.network_private), values(aws_subnet.network_public)) : subnet.cidr_block])) == 12
    error_message = "subnets share addresses: ${join(", ", [for subnet in concat(values(aws_subnet.network_private), values(aws_subnet.network_public)) : subnet.cidr_block])}"
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.network_private), values(aws_subnet.network_public)) : endswith(subnet.cidr_block, "/26")])
    error_message = "subnets differ in size"
  }
}

run "each_zone_goes_out_through_the_nat_gateway_in_it" {
  assert {
    condition = alltrue([
      for zone in local.network_zones :
      aws_route.network_nat[zone].route_table_id == aws_route_table.network_private[zone].id
      && aws_route.network_nat[zone].nat_gateway_id == aws_nat_gateway.network[zone].id
      && aws_nat_gateway.network[zone].subnet_id == aws_subnet.network_public[zone].id
      && aws_subnet.network_public[zone].availability_zone == zone
      && aws_route_table_association.network_private[zone].route_table_id == aws_route_table.network_private[zone].id
      && aws_route_table_association.network_private[zone].subnet_id == aws_subnet.network_private[zone].id
    ])
    error_message = "the way out of one zone leads through another"
  }

  assert {
    condition     = length(distinct([for table in aws_route_table.network_private : table.id])) == var.multi_datacenter_zones
    error_message = "zones share a route table"
  }
}

run "one_zone_is_refused" {
  command = plan

  variables {
    multi_datacenter_zones = 1
  }

  expect_failures = [var.multi_datacenter_zones]
}

run "seven_zones_are_refused" {
  command = plan

  variables {
    multi_datacenter_zones = 7
  }

  expect_failures = [var.multi_datacenter_zones]
}

run "one_nat_gateway_for_all_zones_is_refused" {
  command = plan

  variables {
    network_nat = "single"
  }

  expect_failures = [var.multi_datacenter_zones]
}
