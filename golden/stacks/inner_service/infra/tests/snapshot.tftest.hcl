mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

# Not the id that all instances of the mock have.
override_resource {
  target = aws_instance.standalone_server["main"]
  values = { id = "i-0feedfacefeedface", private_ip = "10.0.0.10" }
}

run "the_disk_is_held_still_for_its_copy" {
  assert {
    condition     = [for rule in jsondecode(aws_cloudformation_stack.snapshot.template_body).Resources.Policy.Properties.PolicyDetails.Schedules[*].CreateRule.Scripts[0] : [rule.ExecutionHandler, rule.Stages]] == [[aws_ssm_document.snapshot.name, ["PRE", "POST"]]]
    error_message = "the copy is made without the script before or after it"
  }

  assert {
    condition     = keys(jsondecode(aws_ssm_document.snapshot.content).parameters) == ["command", "executionId"] && jsondecode(aws_ssm_document.snapshot.content).parameters.command.allowedValues == ["pre-script", "post-script", "dry-run"]
    error_message = "Data Lifecycle Manager gives other parameters than the document takes"
  }

  assert {
    condition     = slice(jsondecode(aws_ssm_document.snapshot.content).mainSteps[0].inputs.runCommand, 0, 2) == ["#!/bin/bash", "set -- {{ command }} ${output.ondemand_disk_mount_point}"]
    error_message = "the script holds another folder still than the disk is mounted at"
  }

  # Systems Manager would take double braces for a parameter of its own.
  assert {
    condition     = !strcontains(file("${path.module}/snapshot/freeze.sh"), "{{")
    error_message = "Systems Manager would refuse the script"
  }
}

run "the_tag_that_names_the_server_is_the_one_it_has" {
  assert {
    condition     = jsondecode(aws_cloudformation_stack.snapshot.template_body).Resources.Policy.Properties.PolicyDetails.TargetTags == [{ Key = "Name", Value = aws_instance.standalone_server["main"].tags["Name"] }]
    error_message = "Data Lifecycle Manager looks for another server"
  }

  assert {
    condition     = alltrue([for attachment in aws_volume_attachment.ondemand_disk : attachment.instance_id == output.snapshot_disk.server])
    error_message = "the disk is attached to another server than is copied"
  }

  assert {
    condition     = output.snapshot_disk.volumes == { for key, volume in aws_ebs_volume.ondemand_disk : key => volume.tags["Name"] }
    error_message = "the script that restores looks for other names than copies have"
  }
}

run "whole_servers_are_copied_every_week_and_data_more_often" {
  assert {
    condition     = one(aws_backup_plan.snapshot["server"].rule).schedule == "cron(45 3 ? * SUN *)" && aws_backup_selection.snapshot["server"].resources == toset([for server in aws_instance.standalone_server : server.arn])
    error_message = "not every server is copied on Sundays"
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.snapshot.template_body).Resources.Policy.Properties.PolicyDetails.Schedules[0].CreateRule.CronExpression == "cron(15 3 * * ? *)"
    error_message = "the data are not copied every day"
  }

  assert {
    condition     = aws_backup_selection.snapshot["data"].resources == toset(local.snapshot_data_arns) && length(local.snapshot_data_arns) >= 1 && one(aws_backup_plan.snapshot["data"].rule).schedule == "cron(15 3 * * ? *)"
    error_message = "not all that is worth it is copied every day"
  }

  assert {
    condition     = alltrue([for rule, plan in aws_backup_plan.snapshot : one(plan.rule).target_vault_name == aws_backup_vault.snapshot[rule].name && aws_backup_selection.snapshot[rule].plan_id == plan.id])
    error_message = "a plan puts its copies into another vault than its alarms watch"
  }
}

run "copies_are_kept_as_long_as_was_asked_for" {
  command = plan

  variables {
    snapshot_data_retention_days   = 7
    snapshot_server_retention_days = 30
    snapshot_server_weekdays       = ["WED", "SUN"]
    snapshot_hour                  = 22
  }

  assert {
    condition     = one(one(aws_backup_plan.snapshot["server"].rule).lifecycle).delete_after == 30 && one(aws_backup_plan.snapshot["server"].rule).schedule == "cron(45 22 ? * SUN,WED *)"
    error_message = "servers are kept for another time, or copied at another one"
  }

  assert {
    condition     = length(aws_backup_vault_lock_configuration.snapshot) == 0
    error_message = "a vault is locked though nobody asked for it"
  }
}

run "a_lock_holds_every_vault" {
  command = plan

  variables {
    snapshot_lock_days = 14
  }

  assert {
    condition     = { for rule, lock in aws_backup_vault_lock_configuration.snapshot : rule => lock.min_retention_days } == { for rule in keys(local.snapshot_rules) : rule => 14 }
    error_message = "a vault is not locked"
  }
}

run "a_copy_that_never_began_is_an_alarm" {
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.snapshot_missing), [aws_cloudwatch_metric_alarm.snapshot_disk_missing]) : alarm.treat_missing_data == "breaching" && alarm.comparison_operator == "LessThanThreshold"])
    error_message = "silence would count as well"
  }

  # CloudWatch takes no alarm that looks back further.
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.snapshot_missing) : alarm.period * alarm.evaluation_periods <= 604800])
    error_message = "an alarm would look back for more than a week"
  }

  assert {
    condition     = { for rule, alarm in aws_cloudwatch_metric_alarm.snapshot_missing : rule => alarm.dimensions["BackupVaultName"] } == output.snapshot_vaults
    error_message = "an alarm watches another vault"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.snapshot_disk_missing.dimensions == tomap({ DLMPolicyId = "policy-0123456789abcdef0" })
    error_message = "the alarm watches another policy than copies the disk"
  }
}

run "a_copy_that_failed_is_an_alarm" {
  assert {
    condition     = toset([for alarm in aws_cloudwatch_metric_alarm.snapshot_failed : "${alarm.dimensions["BackupVaultName"]} ${alarm.metric_name}"]) == toset(flatten([for vault in aws_backup_vault.snapshot : [for end in ["Aborted", "Expired", "Failed"] : "${vault.name} NumberOfBackupJobs${end}"]]))
    error_message = "a job may end badly unheard"
  }

  assert {
    condition     = toset(values(aws_cloudwatch_metric_alarm.snapshot_disk_failed)[*].metric_name) == toset(["PostScriptFailed", "PreScriptFailed", "SnapshotsCreateFailed"])
    error_message = "a copy that is not consistent is not told"
  }
}

run "a_lock_longer_than_copies_are_kept_is_refused" {
  command = plan

  variables {
    snapshot_data_retention_days = 7
    snapshot_lock_days           = 8
  }

  expect_failures = [var.snapshot_lock_days]
}

run "a_lock_of_no_day_is_refused" {
  command = plan

  variables {
    snapshot_lock_days = 0
  }

  expect_failures = [var.snapshot_lock_days]
}

run "copies_that_nobody_keeps_are_refused" {
  command = plan

  variables {
    snapshot_data_retention_days   = 0
    snapshot_server_retention_days = 1.5
  }

  expect_failures = [var.snapshot_data_retention_days, var.snapshot_server_retention_days]
}

run "an_hour_that_no_day_has_is_refused" {
  command = plan

  variables {
    snapshot_hour = 24
  }

  expect_failures = [var.snapshot_hour]
}

run "a_server_that_is_never_copied_is_refused" {
  command = plan

  variables {
    snapshot_server_weekdays = []
  }

  expect_failures = [var.snapshot_server_weekdays]
}

run "a_weekday_that_aws_does_not_know_is_refused" {
  command = plan

  variables {
    snapshot_server_weekdays = ["Sunday"]
  }

  expect_failures = [var.snapshot_server_weekdays]
}
