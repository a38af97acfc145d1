mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

# Another one than the mock gives every target group.
override_resource {
  target = aws_lb_target_group.clone_server
  values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/master/0123456789abcdef" }
}

run "master_and_clones_share_what_only_reads" {
  assert {
    condition     = aws_lb_target_group_attachment.clone_server.target_group_arn == aws_lb_target_group.load_balancer.arn && aws_lb_target_group_attachment.clone_server.target_id == aws_instance.standalone_server["main"].id
    error_message = "the master gets none of the requests that the clones get"
  }

  assert {
    condition     = aws_autoscaling_attachment.load_balancer.autoscaling_group_name == aws_autoscaling_group.servers.name && aws_autoscaling_attachment.load_balancer.lb_target_group_arn == aws_lb_target_group.load_balancer.arn
    error_message = "the clones get no requests, or those that are the master's alone"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.clone_server_requests.referenced_security_group_id == local.load_balancer_servers.security_group_id && aws_vpc_security_group_egress_rule.clone_server_requests.security_group_id == local.load_balancer_servers.security_group_id && aws_vpc_security_group_ingress_rule.clone_server_requests.from_port == local.standalone_server_port
    error_message = "the load balancer does not reach the master, or others do"
  }
}

run "the_master_alone_gets_what_writes" {
  assert {
    condition     = toset(flatten([for rule in aws_lb_listener_rule.clone_server_writes : [for condition in rule.condition : condition.http_request_method[0].values if length(condition.http_request_method) > 0]])) == toset(["DELETE", "PATCH", "POST", "PUT"])
    error_message = "something that writes goes to a clone"
  }

  assert {
    condition     = alltrue([for rule in aws_lb_listener_rule.clone_server_writes : rule.action[0].target_group_arn == aws_lb_target_group.clone_server.arn && rule.listener_arn == local.load_balancer_servers.listener_arn])
    error_message = "what writes goes elsewhere"
  }

  assert {
    condition     = aws_lb_target_group.clone_server.arn != aws_lb_target_group.load_balancer.arn && aws_lb_target_group_attachment.clone_server_writes.target_group_arn == aws_lb_target_group.clone_server.arn && aws_lb_target_group_attachment.clone_server_writes.target_id == aws_instance.standalone_server["main"].id
    error_message = "the group for what writes does not hold the master"
  }

  # A listener that forwards by itself does so after its last rule, which has 50000 at most.
  assert {
    condition     = max([for rule in aws_lb_listener_rule.clone_server_writes : rule.priority]...) < min([for forward in [aws_lb_listener_rule.edge_entry, aws_lb_listener.proxies] : lookup(forward, "priority", 50001)]...)
    error_message = "what writes has been forwarded to anybody before its rule is asked"
  }
}

run "a_rule_takes_five_values_and_asks_for_what_the_front_door_asks_for" {
  variables {
    clone_server_master_paths = ["/admin/*", "/upload/*", "/cart", "/login"]
    edge_entry_secrets        = ["first", "second"]
  }

  assert {
    condition     = alltrue([for rule in concat(values(aws_lb_listener_rule.clone_server_writes), values(aws_lb_listener_rule.clone_server_paths)) : length(rule.condition) == 1 + length(local.load_balancer_guards)])
    error_message = "who passes by the front door is forwarded to the master"
  }

  assert {
    condition     = alltrue([for rule in aws_lb_listener_rule.clone_server_paths : rule.action[0].target_group_arn == aws_lb_target_group.clone_server.arn && rule.listener_arn == local.load_balancer_servers.listener_arn])
    error_message = "a path that is the master's alone goes elsewhere"
  }

  assert {
    condition     = alltrue([for rule in aws_lb_listener_rule.clone_server_paths : sum([for condition in rule.condition : length(condition.path_pattern) > 0 ? length(condition.path_pattern[0].values) : 2]) <= 5])
    error_message = "a listener would refuse a rule of more than five values"
  }

  assert {
    condition     = { for rule in aws_lb_listener_rule.clone_server_paths : rule.priority => sort(flatten([for condition in rule.condition : condition.path_pattern[0].values if length(condition.path_pattern) > 0])) } == { 110 = tolist(["/admin/*", "/cart", "/upload/*"]), 111 = tolist(["/login"]) }
    error_message = "a path was lost"
  }
}

run "by_itself_no_path_is_the_masters_alone" {
  command = plan

  assert {
    condition     = length(aws_lb_listener_rule.clone_server_paths) == 0
    error_message = "paths were made up"
  }
}

run "only_clones_reach_the_content_and_only_with_the_key" {
  assert {
    condition     = aws_vpc_security_group_ingress_rule.clone_server_content.security_group_id == aws_security_group.standalone_server.id && aws_vpc_security_group_ingress_rule.clone_server_content.referenced_security_group_id == aws_security_group.servers.id && aws_vpc_security_group_ingress_rule.clone_server_content.from_port == local.clone_server_port && aws_vpc_security_group_ingress_rule.clone_server_content.to_port == local.clone_server_port
    error_message = "others than clones reach the content"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.clone_server_content.security_group_id == aws_security_group.servers.id && aws_vpc_security_group_egress_rule.clone_server_content.from_port == local.clone_server_port
    error_message = "clones do not reach the content"
  }

  assert {
    condition     = strcontains(file("../servers/setup/configure/86-content.sh"), "\nport=${local.clone_server_port} ")
    error_message = "the master listens on another port than the one that is open"
  }

  assert {
    condition     = aws_ssm_parameter.clone_server_key.type == "SecureString" && can(regex("^[0-9a-f]{64}$", nonsensitive(aws_ssm_parameter.clone_server_key.value)))
    error_message = "the key lies open, or is none"
  }

  # What lies under the path of the settings ends in the environment of the application.
  assert {
    condition     = !startswith("${local.clone_server_parameters}/", "${local.setup_settings_path}/")
    error_message = "the key is given to more than who needs it"
  }

  assert {
    condition     = one(data.aws_iam_policy_document.clone_server.statement).actions == toset(["ssm:GetParametersByPath"]) && toset(keys(aws_iam_role_policy.clone_server)) == toset(["servers", "standalone_server"])
    error_message = "others may read the key, or more than the key"
  }
}

run "clones_find_their_master" {
  assert {
    condition     = aws_ssm_parameter.clone_server_master.value == aws_instance.standalone_server["main"].private_ip && dirname(aws_ssm_parameter.clone_server_master.name) == dirname(aws_ssm_parameter.clone_server_key.name)
    error_message = "clones look for another master"
  }

  assert {
    condition = { for parameter in aws_ssm_parameter.clone_server : parameter.name => nonsensitive(parameter.value) } == {
      "/${var.project}/${var.environment}/clone-server/copy_seconds"     = "600"
      "/${var.project}/${var.environment}/clone-server/interval_seconds" = "60"
      "/${var.project}/${var.environment}/clone-server/metric_namespace" = aws_cloudwatch_metric_alarm.clone_server_age.namespace
    }
    error_message = "clones are told something else"
  }

  # Each that is asked for is there.
  assert {
    condition = toset(flatten(regexall("\\(parameter ([a-z_]+)\\)", file("../servers/setup/configure/86-content.sh")))) == toset([
      for parameter in concat(values(aws_ssm_parameter.clone_server), [aws_ssm_parameter.clone_server_master]) : basename(parameter.name)
    ])
    error_message = "a clone's setup would ask for another parameter"
  }
}

run "a_clone_takes_requests_only_with_its_first_copy" {
  assert {
    condition     = one(aws_autoscaling_group.servers.initial_lifecycle_hook).default_result == "ABANDON" && one(aws_autoscaling_group.servers.initial_lifecycle_hook).heartbeat_timeout >= var.clone_server_copy_seconds + 300
    error_message = "a clone without content would be put into service, or taken away while it copies"
  }

  # Parts run in the order of their names.
  assert {
    condition     = [for path in sort(keys(local.setup_phase_of)) : basename(path) if length(regexall("^servers/setup/configure/[0-9]+-(?:settings|content|start)\\.sh$", path)) > 0] == ["80-settings.sh", "86-content.sh", "90-start.sh"]
    error_message = "the application starts before its content is there"
  }
}

run "master_and_clones_start_from_one_image" {
  assert {
    condition     = aws_launch_template.servers.image_id == aws_instance.standalone_server["main"].ami && aws_launch_template.servers.image_id == local.stamp_image_id
    error_message = "clones start from another image than their master"
  }
}

run "there_are_as_many_clones_as_asked_for" {
  command = plan

  variables {
    clone_server_count = 3
  }

  assert {
    condition     = local.servers_count >= 3 && local.servers_zone_count >= 2
    error_message = "there are fewer clones, or all of them in one zone"
  }
}

run "somebody_hears_of_a_clone_that_stops_following" {
  assert {
    condition     = strcontains(file("../servers/setup/configure/clone_server/content-age.sh"), "--metric-name ${aws_cloudwatch_metric_alarm.clone_server_age.metric_name}")
    error_message = "the alarm watches another metric than clones tell"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.clone_server_age.statistic == "Maximum" && aws_cloudwatch_metric_alarm.clone_server_age.threshold == 900 && aws_cloudwatch_metric_alarm.clone_server_age.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.clone_server_age.period == 720
    error_message = "the worst clone is not heard, or silence is taken for good news, or one long copy for silence"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.clone_server_age.alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "nobody hears of it"
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.clone_server_age.statement).condition).values == tolist([aws_cloudwatch_metric_alarm.clone_server_age.namespace])
    error_message = "clones may not tell it, or may write other metrics"
  }
}

run "a_copy_may_be_as_old_as_asked_for" {
  command = plan

  variables {
    clone_server_max_age_seconds = 1200
  }

  assert {
    condition     = aws_ssm_parameter.clone_server_max_age.name == "${local.setup_settings_path}/content_max_age_seconds" && strcontains(file("../app/src/app/content.py"), "\n    content_max_age_seconds: int ")
    error_message = "the application looks for it under another name"
  }

  assert {
    condition     = aws_ssm_parameter.clone_server_max_age.value == "1200" && aws_cloudwatch_metric_alarm.clone_server_age.threshold == 1200
    error_message = "the application or the alarm calls another copy stale"
  }
}

run "no_clone_at_all_is_refused" {
  command = plan

  variables {
    clone_server_count = 0
  }

  expect_failures = [var.clone_server_count]
}

run "a_copy_in_no_time_is_refused" {
  command = plan

  variables {
    clone_server_copy_seconds = 1
  }

  expect_failures = [var.clone_server_copy_seconds]
}

run "a_copy_longer_than_the_setup_is_refused" {
  command = plan

  variables {
    clone_server_copy_seconds = 1000
    setup_minutes             = 20
  }

  expect_failures = [var.clone_server_copy_seconds]
}

run "copying_without_a_pause_is_refused" {
  command = plan

  variables {
    clone_server_interval_seconds = 5
  }

  expect_failures = [var.clone_server_interval_seconds]
}

run "an_alarm_about_one_late_copy_is_refused" {
  command = plan

  variables {
    clone_server_interval_seconds = 600
  }

  expect_failures = [var.clone_server_max_age_seconds]
}

run "a_copy_that_is_never_stale_is_refused" {
  command = plan

  variables {
    clone_server_max_age_seconds = 31536000
  }

  expect_failures = [var.clone_server_max_age_seconds]
}

run "a_path_without_its_slash_is_refused" {
  command = plan

  variables {
    clone_server_master_paths = ["admin/*"]
  }

  expect_failures = [var.clone_server_master_paths]
}

run "a_path_that_stands_twice_is_refused" {
  command = plan

  variables {
    clone_server_master_paths = ["/admin/*", "/admin/*"]
  }

  expect_failures = [var.clone_server_master_paths]
}
