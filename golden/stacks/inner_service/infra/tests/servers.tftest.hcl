mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "a_server_is_closed_by_default" {
  assert {
    condition     = aws_launch_template.servers.metadata_options[0].http_tokens == "required" && aws_launch_template.servers.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "instance metadata is open to version 1 or to a second hop"
  }

  assert {
    condition     = alltrue([for volume in aws_launch_template.servers.block_device_mappings : tobool(volume.ebs[0].encrypted)])
    error_message = "a volume is not encrypted"
  }

  assert {
    condition     = aws_launch_template.servers.key_name == null || aws_launch_template.servers.key_name == ""
    error_message = "servers carry an SSH key"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.servers_https.from_port == 443 && aws_vpc_security_group_egress_rule.servers_https.to_port == 443
    error_message = "servers may speak to more than HTTPS"
  }
}

run "servers_start_from_the_image_and_set_themselves_up" {
  assert {
    condition     = aws_launch_template.servers.image_id == coalesce(local.setup_image_id, data.aws_ssm_parameter.servers_base_image.insecure_value)
    error_message = "servers start from ${aws_launch_template.servers.image_id}"
  }

  assert {
    condition     = base64decode(aws_launch_template.servers.user_data) == local.setup_user_data["servers"]
    error_message = "servers are not started with the setup's user data"
  }

  assert {
    condition     = aws_launch_template.servers.update_default_version
    error_message = "whoever starts a server by hand gets it as it was first set up"
  }
}

run "people_reach_a_server_through_session_manager" {
  assert {
    condition = length(setsubtract([
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ], flatten(data.aws_iam_policy_document.servers_session_manager.statement[*].actions))) == 0
    error_message = "servers do not register with Systems Manager, so nobody can look into one"
  }
}

run "servers_stand_in_private_subnets" {
  assert {
    condition     = aws_autoscaling_group.servers.vpc_zone_identifier == toset([for zone in local.servers_zones : aws_subnet.network_private[zone].id])
    error_message = "the fleet stands outside the private subnets of its zones"
  }

  assert {
    condition     = length(local.servers_zones) == local.servers_zone_count
    error_message = "the fleet stands in ${length(local.servers_zones)} zones instead of ${local.servers_zone_count}"
  }
}

run "the_fleet_is_as_large_as_asked_for" {
  assert {
    condition     = aws_autoscaling_group.servers.min_size == local.servers_minimum && local.servers_minimum >= local.servers_count
    error_message = "${local.servers_count} servers are asked for, and the fleet may be of ${aws_autoscaling_group.servers.min_size}"
  }

  assert {
    condition     = aws_autoscaling_group.servers.max_size == local.servers_maximum && local.servers_maximum >= local.servers_minimum
    error_message = "the fleet may be between ${aws_autoscaling_group.servers.min_size} and ${aws_autoscaling_group.servers.max_size}"
  }

  assert {
    condition     = aws_autoscaling_group.servers.max_size == aws_autoscaling_group.servers.min_size
    error_message = "nothing changes the number of servers, and yet there may be ${aws_autoscaling_group.servers.max_size}"
  }

  assert {
    condition     = aws_autoscaling_group.servers.desired_capacity == local.servers_minimum
    error_message = "the fleet begins with ${aws_autoscaling_group.servers.desired_capacity} servers"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.servers_in_service.threshold == local.servers_minimum
    error_message = "nobody is told before ${aws_cloudwatch_metric_alarm.servers_in_service.threshold} servers are left"
  }
}

run "a_server_that_says_nothing_is_replaced" {
  variables {
    setup_minutes = 30
  }

  assert {
    condition     = aws_autoscaling_lifecycle_hook.servers.default_result == "ABANDON" && aws_autoscaling_lifecycle_hook.servers.heartbeat_timeout == 1800
    error_message = "a server that never finished its setup would be put into service"
  }

  assert {
    condition     = one(aws_autoscaling_group.servers.initial_lifecycle_hook).default_result == "ABANDON" && one(aws_autoscaling_group.servers.initial_lifecycle_hook).heartbeat_timeout == 1800
    error_message = "the first servers of a new stack would be put into service unfinished"
  }

  assert {
    condition     = strcontains(local.setup_user_data["servers"], "export SETUP_LAUNCH_HOOK='${aws_autoscaling_lifecycle_hook.servers.name}'") && one(aws_autoscaling_group.servers.initial_lifecycle_hook).name == aws_autoscaling_lifecycle_hook.servers.name
    error_message = "the server would answer another hook than the one that waits"
  }

  assert {
    condition     = data.aws_iam_policy_document.servers_launch_hook.statement[0].resources == toset(["arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:*:autoScalingGroupName/${aws_autoscaling_group.servers.name}"])
    error_message = "servers may answer for another group than their own"
  }
}

run "session_manager_may_do_on_everything_only_what_knows_no_less" {
  command = plan

  assert {
    condition     = alltrue([for action in flatten([for statement in data.aws_iam_policy_document.servers_session_manager.statement : statement.actions if contains(statement.resources, "*")]) : startswith(action, "ssmmessages:")])
    error_message = "servers may do to others what they need for themselves"
  }
}

run "a_roll_starts_the_new_server_first" {
  command = plan

  assert {
    condition     = one(aws_autoscaling_group.servers.instance_refresh).preferences[0].min_healthy_percentage == 100
    error_message = "a roll makes the fleet smaller"
  }
}

run "a_fleet_that_is_not_to_roll_does_not" {
  command = plan

  variables {
    servers_instance_refresh = false
  }

  assert {
    condition     = length(aws_autoscaling_group.servers.instance_refresh) == 0
    error_message = "an instance refresh is set up"
  }
}

run "the_image_follows_the_instance_type" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type.servers
    values = {
      default_vcpus           = 2
      supported_architectures = ["i386", "x86_64"]
    }
  }

  assert {
    condition     = endswith(data.aws_ssm_parameter.servers_base_image.name, "-x86_64")
    error_message = "an x86 server would start from ${data.aws_ssm_parameter.servers_base_image.name}"
  }
}

run "a_zone_without_such_machines_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.servers
    values = {
      locations = ["eu-central-1f"]
    }
  }

  expect_failures = [aws_autoscaling_group.servers]
}

run "an_apply_waits_for_as_long_as_a_setup_may_take" {
  command = plan

  variables {
    setup_minutes = 60
  }

  assert {
    condition     = aws_autoscaling_group.servers.wait_for_capacity_timeout == "65m"
    error_message = "an apply gives up after ${aws_autoscaling_group.servers.wait_for_capacity_timeout}"
  }
}

run "an_instance_type_without_a_size_is_refused" {
  command = plan

  variables {
    servers_instance_type = "t4g"
  }

  expect_failures = [var.servers_instance_type]
}

run "a_volume_smaller_than_the_image_is_refused" {
  command = plan

  variables {
    servers_volume_gib = 4
  }

  expect_failures = [var.servers_volume_gib]
}

run "a_warm_up_of_a_day_is_refused" {
  command = plan

  variables {
    servers_warmup_seconds = 86400
  }

  expect_failures = [var.servers_warmup_seconds]
}
