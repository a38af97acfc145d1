mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

# Another one than the mock gives every listener.
override_resource {
  target = aws_lb_listener.load_balancer
  values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/servers/0123456789abcdef/0123456789abcdef" }
}

run "the_load_balancer_asks_where_the_application_answers" {
  command = plan

  assert {
    condition     = contains(split("\n", file("../app/src/app/features/deep_health_check.py")), "PATH = \"${aws_lb_target_group.load_balancer.health_check[0].path}\"")
    error_message = "the load balancer asks ${aws_lb_target_group.load_balancer.health_check[0].path}, where the application answers something else"
  }

  assert {
    condition     = aws_lb_target_group.load_balancer.health_check[0].matcher == "200" && output.deep_health_check_path == aws_lb_target_group.load_balancer.health_check[0].path
    error_message = "an answer of ${aws_lb_target_group.load_balancer.health_check[0].matcher} counts as health"
  }
}

run "an_answer_comes_before_the_load_balancer_gives_up" {
  command = plan

  assert {
    condition     = var.deep_health_check_probe_seconds < aws_lb_target_group.load_balancer.health_check[0].timeout && aws_lb_target_group.load_balancer.health_check[0].timeout < aws_lb_target_group.load_balancer.health_check[0].interval
    error_message = "a dependency may take ${var.deep_health_check_probe_seconds} s, an answer ${aws_lb_target_group.load_balancer.health_check[0].timeout} s, and the next check comes after ${aws_lb_target_group.load_balancer.health_check[0].interval} s"
  }
}

run "no_fault_behind_a_server_has_it_replaced" {
  command = plan

  variables {
    deep_health_check_shared_fault = "fail"
  }

  assert {
    condition     = aws_autoscaling_group.servers.health_check_type == "EC2"
    error_message = "the group replaces what the load balancer finds unhealthy: one dead dependency would relaunch the whole fleet, again and again"
  }
}

run "where_too_many_are_unhealthy_all_get_requests" {
  command = plan

  variables {
    deep_health_check_fail_open_percent = 30
  }

  assert {
    condition     = aws_lb_target_group.load_balancer.target_group_health[0].unhealthy_state_routing[0].minimum_healthy_targets_percentage == "30"
    error_message = "requests go to a few healthy servers until ${aws_lb_target_group.load_balancer.target_group_health[0].unhealthy_state_routing[0].minimum_healthy_targets_percentage} % are left"
  }

  assert {
    condition     = aws_lb_target_group.load_balancer.target_group_health[0].dns_failover[0].minimum_healthy_targets_percentage == aws_lb_target_group.load_balancer.target_group_health[0].unhealthy_state_routing[0].minimum_healthy_targets_percentage
    error_message = "names would give up on a zone later than requests do, which a target group refuses"
  }
}

run "from_the_internet_no_check_is_found" {
  assert {
    condition     = aws_lb_listener_rule.deep_health_check.listener_arn == aws_lb_listener.load_balancer.arn && aws_lb_listener_rule.deep_health_check.priority == 1
    error_message = "another rule may forward the check before this one hides it"
  }

  assert {
    condition     = aws_lb_listener_rule.deep_health_check.action[0].type == "fixed-response" && aws_lb_listener_rule.deep_health_check.action[0].fixed_response[0].status_code == "404"
    error_message = "the check is answered with ${aws_lb_listener_rule.deep_health_check.action[0].type}"
  }

  assert {
    condition     = one(one(aws_lb_listener_rule.deep_health_check.condition).path_pattern).values == toset(["/health", "/health/*"]) && startswith(aws_lb_target_group.load_balancer.health_check[0].path, "/health/")
    error_message = "the rule hides ${join(", ", one(one(aws_lb_listener_rule.deep_health_check.condition).path_pattern).values)}"
  }
}

run "the_application_is_told" {
  command = plan

  variables {
    deep_health_check_cache_seconds = 3
    deep_health_check_probe_seconds = 1.5
    deep_health_check_shared_fault  = "fail"
  }

  assert {
    condition = { for name, setting in aws_ssm_parameter.deep_health_check : setting.name => nonsensitive(setting.value) } == {
      "${local.setup_settings_path}/health_cache_seconds"    = "3"
      "${local.setup_settings_path}/health_metric_namespace" = "${local.name}/health"
      "${local.setup_settings_path}/health_network"          = aws_vpc.network.cidr_block
      "${local.setup_settings_path}/health_probe_seconds"    = "1.5"
      "${local.setup_settings_path}/health_shared_fault"     = "fail"
    }
    error_message = "the application is told something else"
  }
}

run "servers_may_tell_of_shared_faults_and_an_alarm_listens" {
  assert {
    condition     = one(one(data.aws_iam_policy_document.deep_health_check.statement).condition).values == tolist([local.deep_health_check_namespace]) && one(data.aws_iam_policy_document.deep_health_check.statement).actions == toset(["cloudwatch:PutMetricData"])
    error_message = "servers may report under names that are not theirs"
  }

  assert {
    condition     = { for kind, policy in aws_iam_role_policy.deep_health_check : kind => policy.role } == local.setup_roles
    error_message = "the permission is somebody else's"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.deep_health_check_shared.namespace == nonsensitive(aws_ssm_parameter.deep_health_check["health_metric_namespace"].value) && contains(split("\n", file("../app/src/app/features/deep_health_check.py")), "METRIC = \"${aws_cloudwatch_metric_alarm.deep_health_check_shared.metric_name}\"")
    error_message = "the alarm listens where nobody speaks"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.deep_health_check_shared.treat_missing_data == "notBreaching"
    error_message = "silence, which means that all is well, raises the alarm"
  }
}

run "a_server_that_is_out_is_told_of" {
  assert {
    condition = aws_cloudwatch_metric_alarm.deep_health_check_unhealthy.metric_name == "UnHealthyHostCount" && aws_cloudwatch_metric_alarm.deep_health_check_unhealthy.threshold == 0 && aws_cloudwatch_metric_alarm.deep_health_check_unhealthy.dimensions == tomap({
      LoadBalancer = local.load_balancer_servers.arn_suffix
      TargetGroup  = aws_lb_target_group.load_balancer.arn_suffix
    })
    error_message = "the alarm looks at other servers"
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.deep_health_check_shared, aws_cloudwatch_metric_alarm.deep_health_check_unhealthy] :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])
    ])
    error_message = "an alarm tells nobody"
  }
}

run "a_dependency_that_may_take_as_long_as_the_check_is_refused" {
  command = plan

  variables {
    load_balancer_health_check = { timeout_seconds = 2 }
  }

  expect_failures = [var.deep_health_check_probe_seconds]
}

run "a_dependency_that_must_answer_in_no_time_is_refused" {
  command = plan

  variables {
    deep_health_check_probe_seconds = 0
  }

  expect_failures = [var.deep_health_check_probe_seconds]
}

run "an_answer_older_than_the_check_before_is_refused" {
  command = plan

  variables {
    deep_health_check_cache_seconds = 10
    load_balancer_health_check      = { interval_seconds = 10 }
  }

  expect_failures = [var.deep_health_check_cache_seconds]
}

run "an_answer_from_the_future_is_refused" {
  command = plan

  variables {
    deep_health_check_cache_seconds = -1
  }

  expect_failures = [var.deep_health_check_cache_seconds]
}

run "a_share_above_all_servers_is_refused" {
  command = plan

  variables {
    deep_health_check_fail_open_percent = 101
  }

  expect_failures = [var.deep_health_check_fail_open_percent]
}

run "a_share_of_no_server_is_refused" {
  command = plan

  variables {
    deep_health_check_fail_open_percent = 0
  }

  expect_failures = [var.deep_health_check_fail_open_percent]
}

run "a_shared_fault_that_is_ignored_is_refused" {
  command = plan

  variables {
    deep_health_check_shared_fault = "ignore"
  }

  expect_failures = [var.deep_health_check_shared_fault]
}
