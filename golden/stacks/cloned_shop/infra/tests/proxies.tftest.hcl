mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "a_request_passes_a_proxy_on_its_way_to_a_web_server" {
  assert {
    condition     = local.load_balancer_target_group_arn == aws_lb_target_group.proxies.arn && aws_autoscaling_attachment.proxies.autoscaling_group_name == aws_autoscaling_group.proxies.name && aws_autoscaling_attachment.proxies.lb_target_group_arn == aws_lb_target_group.proxies.arn
    error_message = "users' requests do not go to the proxies"
  }

  assert {
    condition     = aws_lb.proxies.internal && aws_lb.proxies.subnets == toset([for subnet in aws_subnet.network_private : subnet.id])
    error_message = "the inner load balancer can be reached from outside"
  }

  assert {
    condition     = aws_lb_listener.proxies.load_balancer_arn == aws_lb.proxies.arn && aws_lb_listener.proxies.default_action[0].target_group_arn == aws_lb_target_group.load_balancer.arn
    error_message = "the inner load balancer leads elsewhere than to the web servers"
  }

  assert {
    condition     = aws_autoscaling_attachment.load_balancer.autoscaling_group_name == aws_autoscaling_group.servers.name && aws_autoscaling_attachment.load_balancer.lb_target_group_arn == aws_lb_target_group.load_balancer.arn
    error_message = "web servers do not come and go behind the inner load balancer"
  }
}

run "each_admits_only_the_one_before_it" {
  assert {
    condition     = aws_vpc_security_group_ingress_rule.load_balancer_servers.referenced_security_group_id == aws_security_group.proxies_load_balancer.id
    error_message = "web servers admit somebody else than the inner load balancer"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.proxies_behind.security_group_id == aws_security_group.proxies_load_balancer.id && aws_vpc_security_group_ingress_rule.proxies_behind.referenced_security_group_id == aws_security_group.proxies.id && aws_vpc_security_group_ingress_rule.proxies_behind.from_port == aws_lb_listener.proxies.port
    error_message = "the inner load balancer admits somebody else than the proxies, or at another port than it listens on"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.proxies_front.security_group_id == aws_security_group.proxies.id && aws_vpc_security_group_ingress_rule.proxies_front.referenced_security_group_id == aws_security_group.load_balancer.id && aws_vpc_security_group_ingress_rule.proxies_front.from_port == aws_lb_target_group.proxies.port
    error_message = "proxies admit somebody else than the load balancer, or at another port than they listen on"
  }
}

# A load balancer writes its own protocol into X-Forwarded-Proto.
run "the_application_hears_which_protocol_a_user_speaks" {
  assert {
    condition     = aws_lb_listener.proxies.protocol == aws_lb_listener.load_balancer.protocol && aws_lb_listener.proxies.port == aws_lb_listener.load_balancer.port
    error_message = "users speak ${aws_lb_listener.load_balancer.protocol}, and the application is told ${aws_lb_listener.proxies.protocol}"
  }

  assert {
    condition     = strcontains(local.setup_user_data["proxies"], "\nexport PROXIES_ORIGIN='${lower(aws_lb_listener.proxies.protocol)}://${aws_lb.proxies.dns_name}:${aws_lb_listener.proxies.port}'\n")
    error_message = "proxies pass requests on elsewhere: ${local.setup_user_data["proxies"]}"
  }
}

run "a_users_address_is_found_behind_all_hops" {
  assert {
    condition     = length(setsubtract(concat([for subnet in concat(values(aws_subnet.network_private), values(aws_subnet.network_public)) : subnet.cidr_block], ["127.0.0.1/32"]), local.load_balancer_trusted_proxies)) == 0
    error_message = "the application takes a hop for the user; it believes ${join(", ", local.load_balancer_trusted_proxies)}"
  }
}

run "a_proxy_is_no_single_point_of_failure" {
  assert {
    condition     = aws_autoscaling_group.proxies.min_size >= 2 && length(aws_autoscaling_group.proxies.vpc_zone_identifier) >= 2
    error_message = "there are ${aws_autoscaling_group.proxies.min_size} proxies in ${length(aws_autoscaling_group.proxies.vpc_zone_identifier)} zones"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.proxies_last.threshold == 2 && aws_cloudwatch_metric_alarm.proxies_last.dimensions == tomap({ LoadBalancer = aws_lb.load_balancer.arn_suffix, TargetGroup = aws_lb_target_group.proxies.arn_suffix })
    error_message = "nobody hears that one proxy is left"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.proxies_in_service.threshold == aws_autoscaling_group.proxies.min_size
    error_message = "nobody hears of a missing proxy"
  }

  assert {
    condition     = aws_lb_target_group.proxies.health_check[0].path == "/proxy-health"
    error_message = "a failure of the web servers would take the proxies out"
  }
}

run "a_proxy_is_closed_and_has_nothing_of_the_application" {
  assert {
    condition     = aws_launch_template.proxies.metadata_options[0].http_tokens == "required" && aws_launch_template.proxies.metadata_options[0].http_put_response_hop_limit == 1 && alltrue([for volume in aws_launch_template.proxies.block_device_mappings : tobool(volume.ebs[0].encrypted)])
    error_message = "instance metadata is open, or a volume is not encrypted"
  }

  assert {
    condition     = !contains(keys(local.setup_roles), "proxies") && !contains(keys(local.setup_security_groups), "proxies") && contains(keys(local.setup_all_roles), "proxies")
    error_message = "a proxy gets what the application may do"
  }

  assert {
    condition     = strcontains(local.setup_user_data["proxies"], "export SETUP_APPLICATION='no'") && base64decode(aws_launch_template.proxies.user_data) == local.setup_user_data["proxies"]
    error_message = "the application would be set up on a proxy"
  }

  assert {
    condition     = aws_launch_template.proxies.image_id == coalesce(local.setup_image_id, data.aws_ssm_parameter.proxies_base_image.insecure_value)
    error_message = "proxies start from ${aws_launch_template.proxies.image_id}"
  }
}

run "people_reach_a_proxy_through_session_manager" {
  command = plan

  assert {
    condition = length(setsubtract([
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ], flatten(data.aws_iam_policy_document.proxies_session_manager.statement[*].actions))) == 0
    error_message = "proxies do not register with Systems Manager, so nobody can look into one"
  }

  assert {
    condition     = alltrue([for action in flatten([for statement in data.aws_iam_policy_document.proxies_session_manager.statement : statement.actions if contains(statement.resources, "*")]) : startswith(action, "ssmmessages:")])
    error_message = "proxies may do to others what they need for themselves"
  }
}

run "a_proxy_that_says_nothing_is_replaced" {
  variables {
    setup_minutes = 30
  }

  assert {
    condition     = aws_autoscaling_lifecycle_hook.proxies.default_result == "ABANDON" && aws_autoscaling_lifecycle_hook.proxies.heartbeat_timeout == 1800 && one(aws_autoscaling_group.proxies.initial_lifecycle_hook).name == aws_autoscaling_lifecycle_hook.proxies.name
    error_message = "a proxy that never finished its setup would get requests"
  }

  assert {
    condition     = data.aws_iam_policy_document.proxies_launch_hook.statement[0].resources == toset(["arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:*:autoScalingGroupName/${aws_autoscaling_group.proxies.name}"])
    error_message = "proxies may answer for another group than their own"
  }
}

run "the_fleet_follows_its_processors" {
  command = plan

  variables {
    proxies_cpu_percent = 40
    proxies_maximum     = 8
    proxies_minimum     = 3
  }

  assert {
    condition     = aws_autoscaling_group.proxies.min_size == 3 && aws_autoscaling_group.proxies.max_size == 8 && aws_autoscaling_policy.proxies_cpu.target_tracking_configuration[0].target_value == 40
    error_message = "there may be ${aws_autoscaling_group.proxies.min_size} to ${aws_autoscaling_group.proxies.max_size} proxies"
  }

  assert {
    condition     = one(aws_autoscaling_group.proxies.instance_refresh).preferences[0].min_healthy_percentage == 100
    error_message = "a roll makes the fleet smaller"
  }
}

run "a_fleet_that_is_not_to_roll_does_not" {
  command = plan

  variables {
    proxies_instance_refresh = false
  }

  assert {
    condition     = length(aws_autoscaling_group.proxies.instance_refresh) == 0
    error_message = "an instance refresh is set up"
  }
}

run "a_zone_without_such_machines_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.proxies
    values = {
      locations = ["eu-central-1f"]
    }
  }

  expect_failures = [aws_autoscaling_group.proxies]
}

run "a_single_proxy_is_refused" {
  command = plan

  variables {
    proxies_minimum = 1
  }

  expect_failures = [var.proxies_minimum]
}

run "a_ceiling_below_the_floor_is_refused" {
  command = plan

  variables {
    proxies_maximum = 2
    proxies_minimum = 3
  }

  expect_failures = [var.proxies_maximum]
}

run "busy_processors_as_the_target_are_refused" {
  command = plan

  variables {
    proxies_cpu_percent = 95
  }

  expect_failures = [var.proxies_cpu_percent]
}

run "an_instance_type_without_a_size_is_refused" {
  command = plan

  variables {
    proxies_instance_type = "t4g"
  }

  expect_failures = [var.proxies_instance_type]
}

run "a_volume_smaller_than_the_image_is_refused" {
  command = plan

  variables {
    proxies_volume_gib = 4
  }

  expect_failures = [var.proxies_volume_gib]
}

run "a_warm_up_of_a_day_is_refused" {
  command = plan

  variables {
    proxies_warmup_seconds = 86400
  }

  expect_failures = [var.proxies_warmup_seconds]
}
