mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_server_is_closed" {
  assert {
    condition     = alltrue([for server in aws_instance.standalone_server : server.metadata_options[0].http_tokens == "required" && server.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "instance metadata is open to version 1 or to a second hop"
  }

  assert {
    condition     = alltrue([for server in aws_instance.standalone_server : server.root_block_device[0].encrypted])
    error_message = "the disk is not encrypted"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.standalone_server_https.from_port == 443 && aws_vpc_security_group_egress_rule.standalone_server_https.to_port == 443
    error_message = "the server may speak to more than HTTPS"
  }

  assert {
    condition     = alltrue([for name, server in aws_instance.standalone_server : server.subnet_id == local.standalone_server_subnets[name].id && server.disable_api_termination])
    error_message = "the server stands elsewhere, or anybody may terminate it"
  }
}

run "a_server_can_tell_which_one_it_is" {
  assert {
    condition     = alltrue([for name, server in aws_instance.standalone_server : server.metadata_options[0].instance_metadata_tags == "enabled" && server.tags["Name"] == local.standalone_server_names[name]])
    error_message = "a server does not find its name among its metadata"
  }
}

run "it_starts_as_the_setup_says" {
  assert {
    condition     = alltrue([for server in aws_instance.standalone_server : server.ami == coalesce(local.setup_image_id, data.aws_ssm_parameter.standalone_server_base_image.insecure_value)])
    error_message = "the server starts from another image than the setup's"
  }

  assert {
    condition     = !strcontains(local.setup_user_data["standalone_server"], "SETUP_LAUNCH_HOOK='")
    error_message = "the server would answer a group that it does not belong to"
  }
}

run "another_image_or_setup_leaves_it_alone" {
  override_data {
    target = data.aws_ssm_parameter.standalone_server_base_image
    values = { insecure_value = "ami-0fedcba9876543210" }
  }

  assert {
    condition     = output.standalone_server_ids == run.the_server_is_closed.standalone_server_ids
    error_message = "a new image of Amazon's would replace the server and its disk"
  }
}

run "a_zone_that_is_left_out_takes_no_server_along" {
  command = plan

  variables {
    network_excluded_zones = [run.the_server_is_closed.standalone_server_zones["main"]]
  }

  expect_failures = [aws_instance.standalone_server]
}

run "what_changed_is_sent_to_it" {
  assert {
    condition     = strcontains(join("\n", jsondecode(aws_ssm_document.standalone_server.content).mainSteps[0].inputs.runCommand), local.setup_user_data["standalone_server"])
    error_message = "the document does something else than the first start did"
  }

  # Systems Manager would take double braces for a parameter of its own.
  assert {
    condition     = !strcontains(local.setup_user_data["standalone_server"], "{{") && length(aws_ssm_document.standalone_server.content) < 65536
    error_message = "Systems Manager would refuse the document"
  }

  assert {
    condition     = one(aws_ssm_association.standalone_server).document_version == aws_ssm_document.standalone_server.latest_version
    error_message = "a new version of the document would not be run"
  }
}

run "a_server_that_nobody_is_to_change_is_left_alone" {
  command = plan

  variables {
    standalone_server_follow = false
  }

  assert {
    condition     = length(aws_ssm_association.standalone_server) == 0
    error_message = "an apply would change the running server"
  }
}

run "a_broken_host_is_left_and_a_broken_system_restarted" {
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.standalone_server_host : contains(alarm.alarm_actions, "arn:aws:automate:eu-central-1:ec2:recover")])
    error_message = "nobody moves the server off a broken host"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.standalone_server_system : contains(alarm.alarm_actions, "arn:aws:automate:eu-central-1:ec2:reboot")])
    error_message = "nobody restarts a broken system"
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.standalone_server_system : alarm.evaluation_periods > aws_cloudwatch_metric_alarm.standalone_server_host[name].evaluation_periods])
    error_message = "a broken host would be restarted before it is left"
  }
}

run "silence_is_an_alarm" {
  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.standalone_server_answers : alarm.treat_missing_data == "breaching" && alarm.dimensions["InstanceId"] == output.standalone_server_ids[name]])
    error_message = "a server that says nothing would count as well"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.standalone_server.statement : flatten([for condition in statement.condition : condition.values]) if contains(statement.actions, "cloudwatch:PutMetricData")] == [[one(distinct([for alarm in aws_cloudwatch_metric_alarm.standalone_server_answers : alarm.namespace]))]]
    error_message = "the server may not report where the alarm looks, or anywhere"
  }
}

run "a_setup_that_failed_is_told_of" {
  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.standalone_server_setup : alarm.namespace == aws_cloudwatch_metric_alarm.standalone_server_answers[name].namespace && alarm.dimensions["InstanceId"] == output.standalone_server_ids[name] && contains(alarm.alarm_actions, aws_sns_topic.alarms.arn)]) && toset(keys(aws_cloudwatch_metric_alarm.standalone_server_setup)) == toset(keys(output.standalone_server_ids))
    error_message = "nobody hears of a release that failed on the server"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.standalone_server_setup : alarm.metric_name != "ApplicationAnswers" && alarm.treat_missing_data == "notBreaching"])
    error_message = "a failed setup would look like an application that is away, or the other way round"
  }
}

run "it_may_do_on_everything_only_what_knows_no_less" {
  command = plan

  assert {
    condition     = alltrue([for action in flatten([for statement in data.aws_iam_policy_document.standalone_server.statement : statement.actions if contains(statement.resources, "*")]) : can(regex("^(ec2messages|ssmmessages|cloudwatch):", action))])
    error_message = "the server may do to others what it needs for itself"
  }
}

run "a_zone_without_such_machines_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.standalone_server
    values = { locations = ["eu-central-1f"] }
  }

  expect_failures = [aws_instance.standalone_server]
}

run "an_instance_type_without_a_size_is_refused" {
  command = plan

  variables {
    standalone_server_instance_type = "t4g"
  }

  expect_failures = [var.standalone_server_instance_type]
}

run "a_disk_smaller_than_the_image_is_refused" {
  command = plan

  variables {
    standalone_server_volume_gib = 4
  }

  expect_failures = [var.standalone_server_volume_gib]
}

run "a_cpu_alarm_that_always_rings_is_refused" {
  command = plan

  variables {
    standalone_server_cpu_percent = 0
  }

  expect_failures = [var.standalone_server_cpu_percent]
}
