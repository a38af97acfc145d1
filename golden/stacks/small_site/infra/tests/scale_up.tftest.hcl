mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "a_small_server" {
  variables {
    standalone_server_instance_type = "t4g.small"
  }

  assert {
    condition     = output.scale_up_instance_type.now["main"] == "t4g.small"
    error_message = "the server is a ${output.scale_up_instance_type.now["main"]}"
  }
}

run "another_size_is_the_same_server" {
  variables {
    standalone_server_instance_type = "t4g.large"
  }

  assert {
    condition     = output.scale_up_instance_type.now["main"] == "t4g.large" && aws_instance.standalone_server["main"].id == run.a_small_server.standalone_server_ids["main"]
    error_message = "the server was replaced, and its disk with it"
  }

  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.scale_up_memory["main"].alarm_description, "Change the size")
    error_message = "the alarm does not say what to do"
  }
}

run "at_the_top_the_alarm_says_so" {
  variables {
    standalone_server_instance_type = "t4g.2xlarge"
    scale_up_largest_type           = "t4g.2xlarge"
  }

  assert {
    condition     = alltrue([for alarm in [aws_cloudwatch_metric_alarm.scale_up_memory["main"], aws_cloudwatch_metric_alarm.scale_up_swap["main"]] : strcontains(alarm.alarm_description, "largest type already")])
    error_message = "the alarm would send people to a bigger server that they do not want to pay for"
  }
}

run "alarms_watch_what_the_agent_reports" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.scale_up_memory["main"].metric_name == "mem_used_percent" && aws_cloudwatch_metric_alarm.scale_up_swap["main"].metric_name == "swap_used_percent"
    error_message = "the agent reports mem_used_percent and swap_used_percent; the alarms watch something else"
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.scale_up_memory["main"], aws_cloudwatch_metric_alarm.scale_up_swap["main"]] :
      alarm.namespace == local.server_metrics_namespace && join(" ", keys(alarm.dimensions)) == join(" ", keys(local.server_metrics_common.metrics.append_dimensions))
    ])
    error_message = "the agent's metrics have another namespace or other dimensions than the alarms look for"
  }

  assert {
    condition     = contains(local.setup_bundle_files, "servers/setup/configure/metrics/standalone_server/scale_up.json")
    error_message = "the server is not told to report what the alarms watch"
  }
}

run "an_idle_week_is_told" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.scale_up_idle["main"].evaluation_periods * one(distinct([for query in aws_cloudwatch_metric_alarm.scale_up_idle["main"].metric_query : one(query.metric).period if length(query.metric) > 0])) == 604800
    error_message = "the alarm looks at something else than a week, the longest CloudWatch takes"
  }
}

run "a_size_beyond_the_largest_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type.standalone_server
    values = { default_vcpus = 16, supported_architectures = ["arm64"] }
  }

  override_data {
    target = data.aws_ec2_instance_type.scale_up_largest
    values = { default_vcpus = 8, supported_architectures = ["arm64"] }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.scale_up_idle]
}

run "a_largest_of_another_architecture_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type.scale_up_largest
    values = { default_vcpus = 8, supported_architectures = ["x86_64"] }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.scale_up_idle]
}

run "a_largest_without_a_size_is_refused" {
  command = plan

  variables {
    scale_up_largest_type = "big"
  }

  expect_failures = [var.scale_up_largest_type]
}

run "idle_above_busy_is_refused" {
  command = plan

  variables {
    scale_up_low_cpu_percent = 90
  }

  expect_failures = [var.scale_up_low_cpu_percent]
}

run "a_smaller_server_that_would_ring_at_once_is_refused" {
  command = plan

  variables {
    scale_up_low_memory_percent = 60
  }

  expect_failures = [var.scale_up_low_memory_percent]
}

run "memory_beyond_all_is_refused" {
  command = plan

  variables {
    scale_up_memory_percent = 100
  }

  expect_failures = [var.scale_up_memory_percent]
}

run "no_swap_at_all_is_refused" {
  command = plan

  variables {
    scale_up_swap_percent = 0
  }

  expect_failures = [var.scale_up_swap_percent]
}
