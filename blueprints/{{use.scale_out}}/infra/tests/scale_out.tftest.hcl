mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_fleet_may_grow_and_begins_small" {
  assert {
    condition     = aws_autoscaling_group.servers.max_size == local.scale_out_maximum && aws_autoscaling_group.servers.max_size > aws_autoscaling_group.servers.min_size
    error_message = "the fleet may be between ${aws_autoscaling_group.servers.min_size} and ${aws_autoscaling_group.servers.max_size}"
  }

  assert {
    condition     = aws_autoscaling_group.servers.min_size >= max(2, local.servers_count) && aws_autoscaling_group.servers.desired_capacity == aws_autoscaling_group.servers.min_size
    error_message = "the fleet begins with ${aws_autoscaling_group.servers.desired_capacity} servers"
  }

  assert {
    condition     = length(aws_autoscaling_group.servers.vpc_zone_identifier) >= 2 && local.scale_out_minimum % length(local.servers_zones) == 0 && local.scale_out_maximum % length(local.servers_zones) == 0
    error_message = "zones would hold different numbers of servers"
  }

  assert {
    condition     = output.scale_out_bounds == { minimum = local.servers_minimum, maximum = local.servers_maximum }
    error_message = "other bounds are told than hold"
  }
}

run "bounds_are_as_asked_for" {
  variables {
    scale_out_minimum = run.the_fleet_may_grow_and_begins_small.scale_out_bounds.minimum * 2
    scale_out_maximum = run.the_fleet_may_grow_and_begins_small.scale_out_bounds.minimum * 5
  }

  assert {
    condition     = output.scale_out_bounds == { minimum = var.scale_out_minimum, maximum = var.scale_out_maximum } && aws_autoscaling_group.servers.max_size == var.scale_out_maximum
    error_message = "the fleet may be between ${output.scale_out_bounds.minimum} and ${aws_autoscaling_group.servers.max_size}"
  }
}

run "policies_act_on_the_fleet_behind_the_load_balancer" {
  variables {
    scale_out_requests_per_minute = 1200
    scale_out_warmup_seconds      = 180
  }

  assert {
    condition = alltrue([
      for policy in [aws_autoscaling_policy.scale_out_cpu, one(aws_autoscaling_policy.scale_out_requests)] :
      policy.autoscaling_group_name == aws_autoscaling_attachment.load_balancer.autoscaling_group_name
      && policy.policy_type == "TargetTrackingScaling" && policy.estimated_instance_warmup == 180
      && policy.target_tracking_configuration[0].disable_scale_in != true
    ])
    error_message = "a policy acts on another group than the load balancer's, too early, or never shrinks it"
  }

  assert {
    condition     = one(aws_autoscaling_policy.scale_out_requests).target_tracking_configuration[0].target_value == 1200
    error_message = "requests are balanced at ${one(aws_autoscaling_policy.scale_out_requests).target_tracking_configuration[0].target_value} a minute"
  }

  assert {
    condition     = one(aws_autoscaling_policy.scale_out_requests).target_tracking_configuration[0].predefined_metric_specification[0].resource_label == "${local.load_balancer_servers.arn_suffix}/${aws_lb_target_group.load_balancer.arn_suffix}"
    error_message = "requests of another load balancer are counted"
  }
}

run "without_a_number_of_requests_the_processor_alone_decides" {
  command = plan

  assert {
    condition     = length(aws_autoscaling_policy.scale_out_requests) == 0 && aws_autoscaling_policy.scale_out_cpu.target_tracking_configuration[0].predefined_metric_specification[0].predefined_metric_type == "ASGAverageCPUUtilization"
    error_message = "there is another policy than that for the processor"
  }
}

# One busy process is half of a machine with two processors, and an eighth of one with eight.
run "the_target_can_be_reached_by_one_process" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type.servers
    values = {
      default_vcpus           = 8
      supported_architectures = ["arm64"]
    }
  }

  variables {
    scale_out_cpu_percent = 80
  }

  assert {
    condition     = aws_autoscaling_policy.scale_out_cpu.target_tracking_configuration[0].target_value == 10
    error_message = "servers are added above ${aws_autoscaling_policy.scale_out_cpu.target_tracking_configuration[0].target_value} % of a machine, and one process uses 12.5 % at most"
  }
}

run "somebody_hears_of_a_fleet_that_cannot_grow" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.scale_out_maximum.threshold == aws_autoscaling_group.servers.max_size && aws_cloudwatch_metric_alarm.scale_out_maximum.comparison_operator == "GreaterThanOrEqualToThreshold"
    error_message = "the alarm rings at ${aws_cloudwatch_metric_alarm.scale_out_maximum.threshold} servers"
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.scale_out_maximum, aws_cloudwatch_metric_alarm.scale_out_missing] :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])
    ])
    error_message = "an alarm tells nobody"
  }

  assert {
    condition     = contains(aws_autoscaling_group.servers.enabled_metrics, aws_cloudwatch_metric_alarm.scale_out_maximum.metric_name)
    error_message = "the group does not report what the alarm watches"
  }
}

run "a_server_that_was_just_asked_for_is_not_missed" {
  command = plan

  variables {
    setup_minutes = 30
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.scale_out_missing.evaluation_periods > 30
    error_message = "servers are missed after ${aws_cloudwatch_metric_alarm.scale_out_missing.evaluation_periods} minutes, and may take 30 for their setup"
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_metric_alarm.scale_out_missing.metric_query : contains(aws_autoscaling_group.servers.enabled_metrics, query.metric[0].metric_name) if length(query.metric) > 0])
    error_message = "the group does not report what the alarm watches"
  }
}

run "zones_with_different_numbers_of_servers_are_refused" {
  command = plan

  variables {
    scale_out_minimum = run.the_fleet_may_grow_and_begins_small.scale_out_bounds.minimum + 1
  }

  expect_failures = [var.scale_out_minimum]
}

run "zones_that_grow_to_different_numbers_are_refused" {
  command = plan

  variables {
    scale_out_maximum = run.the_fleet_may_grow_and_begins_small.scale_out_bounds.maximum + 1
  }

  expect_failures = [var.scale_out_maximum]
}

run "a_fleet_that_cannot_grow_is_refused" {
  command = plan

  variables {
    scale_out_maximum = run.the_fleet_may_grow_and_begins_small.scale_out_bounds.minimum
  }

  expect_failures = [var.scale_out_maximum]
}

run "fewer_servers_than_others_ask_for_are_refused" {
  command = plan

  variables {
    scale_out_minimum = 0
  }

  expect_failures = [var.scale_out_minimum]
}

run "an_endless_fleet_is_refused" {
  command = plan

  variables {
    scale_out_maximum = 30000
  }

  expect_failures = [var.scale_out_maximum]
}

run "a_busy_processor_as_the_target_is_refused" {
  command = plan

  variables {
    scale_out_cpu_percent = 95
  }

  expect_failures = [var.scale_out_cpu_percent]
}

run "no_requests_as_the_target_are_refused" {
  command = plan

  variables {
    scale_out_requests_per_minute = 0
  }

  expect_failures = [var.scale_out_requests_per_minute]
}

run "a_warm_up_shorter_than_health_checks_is_refused" {
  command = plan

  variables {
    scale_out_warmup_seconds = 5
  }

  expect_failures = [var.scale_out_warmup_seconds]
}
