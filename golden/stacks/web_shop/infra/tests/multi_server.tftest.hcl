mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "three_required_servers_make_a_fleet_of_four" {
  command = plan

  variables {
    multi_server_required = 3
    multi_server_spare    = 1
  }

  assert {
    condition     = local.multi_server_count == 4
    error_message = "multi_server asks for ${local.multi_server_count} servers"
  }

  assert {
    condition     = aws_autoscaling_group.servers.min_size >= 4 && aws_autoscaling_group.servers.min_size == local.servers_minimum
    error_message = "the fleet may be of ${aws_autoscaling_group.servers.min_size} servers"
  }

  assert {
    condition     = startswith(local.multi_server_spare_expression, "healthy - 3 - ") && aws_cloudwatch_metric_alarm.multi_server_healthy.threshold == 0
    error_message = "the alarms take other than the three required servers for needed: ${local.multi_server_spare_expression}"
  }
}

run "the_last_spare_server_is_missed_before_a_required_one" {
  command = plan

  variables {
    multi_server_required      = 3
    multi_server_spare         = 2
    multi_server_spare_minutes = 20
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.multi_server_spare.threshold == 0 && aws_cloudwatch_metric_alarm.multi_server_spare.comparison_operator == "LessThanOrEqualToThreshold"
    error_message = "with just the three required servers left nobody is told"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.multi_server_healthy.comparison_operator == "LessThanThreshold"
    error_message = "three servers, which are enough, are taken for too few"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.multi_server_spare.evaluation_periods == 20 && alltrue([for query in aws_cloudwatch_metric_alarm.multi_server_spare.metric_query : query.metric[0].period == 60 if length(query.metric) > 0])
    error_message = "the alarm waits ${aws_cloudwatch_metric_alarm.multi_server_spare.evaluation_periods} periods instead of 20 minutes"
  }
}

run "the_alarms_count_the_targets_of_this_load_balancer" {
  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.multi_server_healthy, aws_cloudwatch_metric_alarm.multi_server_spare] :
      one([for query in alarm.metric_query : query.metric[0].dimensions if query.id == "healthy"]) == tomap({
        LoadBalancer = local.load_balancer_servers.arn_suffix
        TargetGroup  = aws_lb_target_group.load_balancer.arn_suffix
      })
    ])
    error_message = "an alarm looks at other targets"
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.multi_server_healthy, aws_cloudwatch_metric_alarm.multi_server_spare] :
      toset([for query in alarm.metric_query : query.metric[0].dimensions.AutoScalingGroupName if contains(["desired", "pending"], query.id)]) == toset([aws_autoscaling_group.servers.name])
    ])
    error_message = "an alarm looks at another group"
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.multi_server_healthy, aws_cloudwatch_metric_alarm.multi_server_spare] :
      one([for query in alarm.metric_query : query.expression if query.return_data == true]) == local.multi_server_spare_expression
    ])
    error_message = "an alarm watches something else than the spare servers"
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.multi_server_healthy, aws_cloudwatch_metric_alarm.multi_server_spare] :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])
    ])
    error_message = "an alarm tells nobody"
  }
}

run "servers_are_health_checked_and_fed_by_the_fleet" {
  assert {
    condition     = aws_autoscaling_attachment.load_balancer.lb_target_group_arn == aws_lb_target_group.load_balancer.arn && aws_autoscaling_attachment.load_balancer.autoscaling_group_name == aws_autoscaling_group.servers.name
    error_message = "the fleet does not feed the load balancer's target group"
  }

  assert {
    condition     = aws_lb_target_group.load_balancer.health_check[0].path == local.load_balancer_health_path
    error_message = "broken servers would go on getting requests"
  }
}

run "a_fleet_without_a_spare_server_is_refused" {
  command = plan

  variables {
    multi_server_spare = 0
  }

  expect_failures = [var.multi_server_spare]
}

run "half_a_server_is_refused" {
  command = plan

  variables {
    multi_server_required = 1.5
  }

  expect_failures = [var.multi_server_required]
}

run "an_alarm_at_every_replacement_is_refused" {
  command = plan

  variables {
    multi_server_spare_minutes = 1
  }

  expect_failures = [var.multi_server_spare_minutes]
}
