mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "nothing_is_forwarded_by_default" {
  command = plan

  assert {
    condition     = aws_lb_listener.load_balancer.default_action[0].type == "fixed-response" && aws_lb_listener.load_balancer.default_action[0].fixed_response[0].status_code == "404"
    error_message = "a request no rule speaks of gets ${aws_lb_listener.load_balancer.default_action[0].type}"
  }
}

run "servers_listen_to_the_load_balancer_only" {
  assert {
    condition     = aws_vpc_security_group_ingress_rule.load_balancer_servers.security_group_id == aws_security_group.servers.id && aws_vpc_security_group_ingress_rule.load_balancer_servers.referenced_security_group_id == local.load_balancer_servers.security_group_id
    error_message = "the servers do not admit just the load balancer"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.load_balancer_servers.from_port == local.servers_port && aws_vpc_security_group_ingress_rule.load_balancer_servers.to_port == local.servers_port
    error_message = "the servers admit ports ${aws_vpc_security_group_ingress_rule.load_balancer_servers.from_port} to ${aws_vpc_security_group_ingress_rule.load_balancer_servers.to_port}"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.load_balancer_servers.security_group_id == local.load_balancer_servers.security_group_id && aws_vpc_security_group_egress_rule.load_balancer_servers.referenced_security_group_id == aws_security_group.servers.id
    error_message = "the load balancer may speak to others than the servers"
  }

  assert {
    condition     = aws_autoscaling_attachment.load_balancer.autoscaling_group_name == aws_autoscaling_group.servers.name
    error_message = "the load balancer forwards to another fleet"
  }
}

run "the_load_balancer_is_guarded" {
  command = plan

  assert {
    condition     = aws_lb.load_balancer.drop_invalid_header_fields && aws_lb.load_balancer.enable_deletion_protection && !aws_lb.load_balancer.internal
    error_message = "the load balancer takes malformed headers, may be deleted, or stands inside"
  }

  assert {
    condition     = aws_lb.load_balancer.enable_zonal_shift
    error_message = "requests could not be led away from a zone"
  }

  assert {
    condition     = aws_lb.load_balancer.access_logs[0].enabled
    error_message = "nobody writes down who asked for what"
  }

  assert {
    condition     = !aws_s3_bucket.load_balancer_logs.force_destroy && aws_s3_bucket_public_access_block.load_balancer_logs.restrict_public_buckets && aws_s3_bucket_public_access_block.load_balancer_logs.block_public_policy
    error_message = "access logs may vanish or become public"
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.load_balancer_logs.rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"])
    error_message = "access logs are not encrypted with keys of S3, the only ones load balancers can use"
  }
}

run "users_are_not_bound_to_a_server" {
  command = plan

  assert {
    condition     = !aws_lb_target_group.load_balancer.stickiness[0].enabled
    error_message = "stickiness is on"
  }
}

run "the_health_check_is_what_was_asked_for" {
  command = plan

  variables {
    load_balancer_health_check = { interval_seconds = 30, unhealthy_threshold = 5 }
  }

  assert {
    condition     = aws_lb_target_group.load_balancer.health_check[0].path == local.load_balancer_health_path && aws_lb_target_group.load_balancer.health_check[0].interval == 30 && aws_lb_target_group.load_balancer.health_check[0].unhealthy_threshold == 5
    error_message = "the check is ${jsonencode(aws_lb_target_group.load_balancer.health_check[0])}"
  }
}

run "the_path_of_the_health_check_can_be_another" {
  command = plan

  variables {
    load_balancer_health_check = { path = "/ready" }
  }

  assert {
    condition     = aws_lb_target_group.load_balancer.health_check[0].path == "/ready" && local.load_balancer_health_path == "/ready"
    error_message = "servers are asked at ${aws_lb_target_group.load_balancer.health_check[0].path}"
  }
}

run "a_drain_of_a_day_is_refused" {
  command = plan

  variables {
    load_balancer_drain_seconds = 86400
  }

  expect_failures = [var.load_balancer_drain_seconds]
}

run "an_alarm_that_cannot_go_off_is_refused" {
  command = plan

  variables {
    load_balancer_error_percent = 100
  }

  expect_failures = [var.load_balancer_error_percent]
}

run "a_check_of_something_that_is_no_path_is_refused" {
  command = plan

  variables {
    load_balancer_health_check = { path = "health" }
  }

  expect_failures = [var.load_balancer_health_check]
}

run "a_check_every_second_is_refused" {
  command = plan

  variables {
    load_balancer_health_check = { interval_seconds = 1, timeout_seconds = 2 }
  }

  expect_failures = [var.load_balancer_health_check]
}

run "a_check_that_takes_longer_than_its_interval_is_refused" {
  command = plan

  variables {
    load_balancer_health_check = { interval_seconds = 10, timeout_seconds = 10 }
  }

  expect_failures = [var.load_balancer_health_check]
}

run "a_check_that_takes_three_minutes_is_refused" {
  command = plan

  variables {
    load_balancer_health_check = { interval_seconds = 300, timeout_seconds = 180 }
  }

  expect_failures = [var.load_balancer_health_check]
}

run "a_server_is_not_given_up_after_one_failed_check" {
  command = plan

  variables {
    load_balancer_health_check = { unhealthy_threshold = 1 }
  }

  expect_failures = [var.load_balancer_health_check]
}

run "servers_keep_idle_connections_longer" {
  command = plan

  variables {
    load_balancer_idle_timeout_seconds = 300
  }

  assert {
    condition     = tonumber(nonsensitive(aws_ssm_parameter.load_balancer_keep_alive.value)) > 300
    error_message = "a server closes idle connections before the load balancer does"
  }
}

run "an_idle_timeout_of_two_hours_is_refused" {
  command = plan

  variables {
    load_balancer_idle_timeout_seconds = 7200
  }

  expect_failures = [var.load_balancer_idle_timeout_seconds]
}

run "logs_that_are_not_kept_are_refused" {
  command = plan

  variables {
    load_balancer_log_days = 0
  }

  expect_failures = [var.load_balancer_log_days]
}
