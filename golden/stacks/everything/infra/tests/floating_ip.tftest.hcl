mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

# The mock gives every server the same id. Whatever else AWS decides about these two is made up
# anew with each server that is made.
override_resource {
  target = aws_instance.standalone_server["main"]
  values = { id = "i-0123456789abcdef1" }
}

override_resource {
  target = aws_instance.standalone_server["spare"]
  values = { id = "i-0123456789abcdef2" }
}

run "two_servers_are_ready" {
  assert {
    condition     = keys(aws_instance.standalone_server) == ["main", "spare"]
    error_message = "servers: ${join(", ", keys(aws_instance.standalone_server))}"
  }

  assert {
    condition     = local.standalone_server_zones["main"] != local.standalone_server_zones["spare"]
    error_message = "a zone that fails would take both"
  }
}

run "a_failure_of_the_active_server_moves_to_the_other" {
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.floating_ip.event_pattern).resources == [aws_cloudwatch_metric_alarm.floating_ip["main"].arn] && jsondecode(aws_cloudwatch_event_rule.floating_ip.event_pattern).detail.state.value == ["ALARM"]
    error_message = "something else than a failure of main would move it"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.floating_ip.state == "ENABLED" && jsondecode(aws_cloudwatch_event_target.floating_ip.input) == { To = ["spare"] }
    error_message = "it would move elsewhere, or not at all"
  }

  assert {
    condition     = endswith(aws_cloudwatch_event_target.floating_ip.arn, ":automation-definition/${output.floating_ip_document}:$DEFAULT")
    error_message = "the failure starts something else than the script does"
  }
}

run "silence_is_a_failure_and_counts_at_once" {
  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.floating_ip : alarm.treat_missing_data == "breaching" && one([for query in alarm.metric_query : query.expression if query.return_data == true]) == "FILL(answers, 0)"])
    error_message = "a server that says nothing would pass for well"
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.floating_ip : one(one([for query in alarm.metric_query : query.metric if length(query.metric) > 0])).dimensions["InstanceId"] == output.standalone_server_ids[name]])
    error_message = "an alarm watches another server"
  }

  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.floating_ip["main"].metric_query : [one(query.metric).namespace, one(query.metric).metric_name] if length(query.metric) > 0] == [[aws_cloudwatch_metric_alarm.standalone_server_answers["main"].namespace, aws_cloudwatch_metric_alarm.standalone_server_answers["main"].metric_name]]
    error_message = "the alarm watches another metric than the server reports"
  }
}

run "it_never_moves_to_a_server_that_is_silent_unless_forced" {
  assert {
    condition     = [for step in jsondecode(aws_ssm_document.floating_ip.content).mainSteps : step.inputs.AlarmNames if step.name == "answers"] == [["${aws_cloudwatch_metric_alarm.floating_ip["main"].alarm_name == "${local.name}-floating-ip-main" ? local.name : "?"}-floating-ip-{{ To }}"]]
    error_message = "the automation asks another alarm than that of the server it moves to"
  }

  assert {
    condition     = jsondecode(aws_ssm_document.floating_ip.content).parameters.EvenIfSilent.default == "false" && [for step in jsondecode(aws_ssm_document.floating_ip.content).mainSteps : step.inputs.Default if step.action == "aws:branch"] == ["answers"]
    error_message = "it moves without asking"
  }
}

run "every_step_leads_to_a_step_that_is_there" {
  assert {
    condition = length(setsubtract(
      compact(flatten([for step in jsondecode(aws_ssm_document.floating_ip.content).mainSteps : [
        try(step.nextStep, ""),
        try(trimprefix(step.onFailure, "step:"), ""),
        try(step.inputs.Default, ""),
        try(step.inputs.Choices[*].NextStep, []),
      ]])),
      [for step in jsondecode(aws_ssm_document.floating_ip.content).mainSteps : step.name],
    )) == 0
    error_message = "Systems Manager would refuse the automation"
  }
}

run "the_public_address_is_taken_from_whoever_has_it" {
  assert {
    condition     = [for step in jsondecode(aws_ssm_document.floating_ip.content).mainSteps : [step.inputs.AllocationId, step.inputs.AllowReassociation] if step.name == "move_address"] == [[aws_eip.elastic_address.allocation_id, true]]
    error_message = "another address would be moved, or none while a server has it"
  }
}

run "on_everything_it_may_look_only" {
  assert {
    condition     = alltrue([for action in flatten([for statement in data.aws_iam_policy_document.floating_ip.statement : statement.actions if contains(statement.resources, "*")]) : startswith(action, "ec2:Describe")])
    error_message = "the automation may do on everything what knows a narrower resource"
  }
}

run "the_other_server_may_be_the_active_one" {
  command = apply

  variables {
    floating_ip_active = "spare"
  }

  assert {
    condition     = output.standalone_server_private_ips == run.two_servers_are_ready.standalone_server_private_ips
    error_message = "these are not the servers of the first run, so nothing here was moved"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.floating_ip.event_pattern).resources == [aws_cloudwatch_metric_alarm.floating_ip["spare"].arn] && jsondecode(aws_cloudwatch_event_target.floating_ip.input) == { To = ["main"] }
    error_message = "a failure of spare would not move it to main"
  }

  assert {
    condition     = aws_eip.elastic_address.network_interface == aws_instance.standalone_server["main"].primary_network_interface_id
    error_message = "an apply moves the address behind the back of those who use it"
  }
}

run "by_hand_only" {
  command = plan

  variables {
    floating_ip_automatic = false
  }

  assert {
    condition     = aws_cloudwatch_event_rule.floating_ip.state == "DISABLED"
    error_message = "a failure would still move it"
  }
}

run "a_server_that_is_not_there_is_refused" {
  command = plan

  variables {
    floating_ip_active = "third"
  }

  expect_failures = [var.floating_ip_active]
}

run "a_failure_after_one_minute_is_refused" {
  command = plan

  variables {
    floating_ip_failed_minutes = 1
  }

  expect_failures = [var.floating_ip_failed_minutes]
}
