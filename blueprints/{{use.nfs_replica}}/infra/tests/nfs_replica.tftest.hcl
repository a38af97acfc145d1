mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "servers_read_from_their_copy_and_write_to_the_share" {
  assert {
    condition     = nonsensitive(aws_ssm_parameter.nfs_replica["shared_read_folder"].value) == "${local.nfs_replica_folder}/current" && local.nfs_replica_folder != local.nfs_sharing_folder
    error_message = "files are read from somewhere else"
  }

  assert {
    condition     = nonsensitive(aws_ssm_parameter.nfs_sharing["shared_folder"].value) == local.nfs_sharing_folder
    error_message = "files are written into the copy"
  }
}

run "the_application_is_told_how_to_follow" {
  command = plan

  variables {
    nfs_replica_copy_seconds     = 120
    nfs_replica_interval_seconds = 30
    nfs_replica_max_age_seconds  = 300
  }

  assert {
    condition = { for parameter in aws_ssm_parameter.nfs_replica : parameter.name => nonsensitive(parameter.value) } == {
      "/${var.project}/${var.environment}/app/replica_copy_seconds"     = "120"
      "/${var.project}/${var.environment}/app/replica_folder"           = "/srv/replica"
      "/${var.project}/${var.environment}/app/replica_interval_seconds" = "30"
      "/${var.project}/${var.environment}/app/replica_max_age_seconds"  = "300"
      "/${var.project}/${var.environment}/app/replica_metric_namespace" = "${local.name}/replica"
      "/${var.project}/${var.environment}/app/shared_read_folder"       = "/srv/replica/current"
    }
    error_message = "the application is told something else"
  }
}

run "every_name_is_one_the_application_knows" {
  command = plan

  assert {
    condition = alltrue([
      for name in keys(aws_ssm_parameter.nfs_replica) :
      length(regexall("\n    ${name}: ", join("", [for file in ["replica", "shared_files"] : file("../app/src/app/${file}.py")]))) == 1
    ])
    error_message = "the application would ignore one of ${join(", ", keys(aws_ssm_parameter.nfs_replica))}"
  }
}

run "a_new_server_takes_requests_only_with_its_first_copy" {
  assert {
    condition     = one(aws_autoscaling_group.servers.initial_lifecycle_hook).lifecycle_transition == "autoscaling:EC2_INSTANCE_LAUNCHING" && one(aws_autoscaling_group.servers.initial_lifecycle_hook).default_result == "ABANDON"
    error_message = "a server without files would be put into service"
  }

  assert {
    condition     = one(aws_autoscaling_group.servers.initial_lifecycle_hook).heartbeat_timeout > var.nfs_replica_copy_seconds
    error_message = "a server would be taken away while it copies"
  }

  # Parts run in the order of their names.
  assert {
    condition     = [for path in sort(keys(local.setup_phase_of)) : basename(path) if length(regexall("^servers/setup/configure/[0-9]+-(?:share|replica|start)\\.sh$", path)) > 0] == ["85-share.sh", "87-replica.sh", "90-start.sh"]
    error_message = "the application starts before its files are there"
  }
}

run "servers_may_tell_the_age_and_nothing_else" {
  assert {
    condition     = one(data.aws_iam_policy_document.nfs_replica.statement).actions == toset(["cloudwatch:PutMetricData"]) && one(one(data.aws_iam_policy_document.nfs_replica.statement).condition).values == tolist(["${local.name}/replica"])
    error_message = "servers may write other metrics"
  }

  assert {
    condition     = { for kind, policy in aws_iam_role_policy.nfs_replica : kind => policy.role } == local.setup_roles
    error_message = "some kind of server could not tell the age of its copy"
  }
}

run "somebody_hears_of_a_copy_that_stops_following" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.nfs_replica.namespace == nonsensitive(aws_ssm_parameter.nfs_replica["replica_metric_namespace"].value) && strcontains(file("../app/src/app/replica.py"), ", \"${aws_cloudwatch_metric_alarm.nfs_replica.metric_name}\", ")
    error_message = "the alarm watches another metric than servers write"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.nfs_replica.statistic == "Maximum" && aws_cloudwatch_metric_alarm.nfs_replica.threshold == 900 && aws_cloudwatch_metric_alarm.nfs_replica.treat_missing_data == "breaching"
    error_message = "the worst server is not heard, or silence is taken for good news"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.nfs_replica.alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "nobody hears of it"
  }
}

run "a_copy_longer_than_the_setup_is_refused" {
  command = plan

  variables {
    nfs_replica_copy_seconds = 1200
    setup_minutes            = 20
  }

  expect_failures = [var.nfs_replica_copy_seconds]
}

run "a_copy_in_no_time_is_refused" {
  command = plan

  variables {
    nfs_replica_copy_seconds = 1
  }

  expect_failures = [var.nfs_replica_copy_seconds]
}

run "copying_without_a_pause_is_refused" {
  command = plan

  variables {
    nfs_replica_interval_seconds = 0
  }

  expect_failures = [var.nfs_replica_interval_seconds]
}

run "a_copy_that_is_stale_at_once_is_refused" {
  command = plan

  variables {
    nfs_replica_interval_seconds = 600
  }

  expect_failures = [var.nfs_replica_max_age_seconds]
}

run "a_copy_that_is_never_stale_is_refused" {
  command = plan

  variables {
    nfs_replica_max_age_seconds = 31536000
  }

  expect_failures = [var.nfs_replica_max_age_seconds]
}
