mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

# Another one than the mock gives every policy.
override_data {
  target = data.aws_iam_policy_document.nfs_sharing_file_system
  values = { json = "{\"Version\":\"2012-10-17\",\"Id\":\"file-system\",\"Statement\":[]}" }
}

run "the_share_has_an_address_in_every_zone" {
  assert {
    condition     = { for zone, target in aws_efs_mount_target.nfs_sharing : zone => target.subnet_id } == { for zone in local.network_zones : zone => aws_subnet.network_private[zone].id }
    error_message = "servers of some zone could not mount the share, or only through another zone"
  }

  assert {
    condition     = alltrue([for target in aws_efs_mount_target.nfs_sharing : target.security_groups == toset([aws_security_group.nfs_sharing.id])])
    error_message = "an address of the share is open to others"
  }

  assert {
    condition     = toset(output.nfs_sharing_zones) == toset(local.network_zones)
    error_message = "the output names other zones"
  }
}

run "only_servers_reach_it_and_only_by_nfs" {
  assert {
    condition     = { for kind, rule in aws_vpc_security_group_ingress_rule.nfs_sharing : kind => rule.referenced_security_group_id } == local.setup_security_groups
    error_message = "the share lets in others than the servers"
  }

  assert {
    condition     = { for kind, rule in aws_vpc_security_group_egress_rule.nfs_sharing : kind => rule.security_group_id } == local.setup_security_groups
    error_message = "servers may not go out to the share"
  }

  assert {
    condition = alltrue(concat(
      [for rule in aws_vpc_security_group_ingress_rule.nfs_sharing : rule.security_group_id == aws_security_group.nfs_sharing.id && rule.ip_protocol == "tcp" && rule.from_port == 2049 && rule.to_port == 2049],
      [for rule in aws_vpc_security_group_egress_rule.nfs_sharing : rule.referenced_security_group_id == aws_security_group.nfs_sharing.id && rule.ip_protocol == "tcp" && rule.from_port == 2049 && rule.to_port == 2049],
    ))
    error_message = "more than NFS is open"
  }
}

run "the_share_is_encrypted_and_takes_nobody_without_tls_access_point_and_role" {
  assert {
    condition     = aws_efs_file_system.nfs_sharing.encrypted
    error_message = "files lie there in the clear"
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.nfs_sharing_file_system.statement : statement.effect == "Deny" && one(statement.principals).identifiers == toset(["*"])])
    error_message = "the file system's policy allows somebody something"
  }

  assert {
    condition = { for statement in data.aws_iam_policy_document.nfs_sharing_file_system.statement : statement.sid => [statement.actions, [for each in statement.condition : "${each.test} ${each.variable} ${join(",", each.values)}"]] } == {
      EncryptedConnectionsOnly = [toset(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientRootAccess", "elasticfilesystem:ClientWrite"]), ["Bool aws:SecureTransport false"]]
      NobodyAsRoot             = [toset(["elasticfilesystem:ClientRootAccess"]), []]
      ThroughAnAccessPointOnly = [
        toset(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]),
        ["ArnNotEquals elasticfilesystem:AccessPointArn ${aws_efs_access_point.nfs_sharing.arn}"],
      ]
    }
    error_message = "the file system's policy refuses something else"
  }

  assert {
    condition     = aws_efs_file_system_policy.nfs_sharing.policy == data.aws_iam_policy_document.nfs_sharing_file_system.json
    error_message = "the policy is not the file system's"
  }
}

run "every_kind_of_server_may_mount_and_write_and_no_more" {
  assert {
    condition     = one(data.aws_iam_policy_document.nfs_sharing.statement).actions == toset(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])
    error_message = "servers may do more than mount and write"
  }

  assert {
    condition     = one(data.aws_iam_policy_document.nfs_sharing.statement).resources == toset([aws_efs_file_system.nfs_sharing.arn])
    error_message = "servers may reach other file systems"
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.nfs_sharing.statement).condition).values == tolist([aws_efs_access_point.nfs_sharing.arn])
    error_message = "servers may come through other access points"
  }

  assert {
    condition     = { for kind, policy in aws_iam_role_policy.nfs_sharing : kind => policy.role } == local.setup_roles
    error_message = "some kind of server may not use the share"
  }
}

run "files_belong_to_the_user_the_application_runs_as" {
  assert {
    condition     = one(aws_efs_access_point.nfs_sharing.posix_user).uid == 2000 && one(aws_efs_access_point.nfs_sharing.posix_user).gid == 2000
    error_message = "whoever mounts the share is somebody else on it"
  }

  assert {
    condition     = one(one(aws_efs_access_point.nfs_sharing.root_directory).creation_info).owner_uid == one(aws_efs_access_point.nfs_sharing.posix_user).uid
    error_message = "the folder belongs to somebody else than writes to it"
  }

  assert {
    condition     = contains(split("\n", file("../servers/setup/install/15-share.sh")), "uid=${local.nfs_sharing_uid}")
    error_message = "servers make a user with another number than the share's"
  }
}

run "servers_are_told_what_to_mount_and_where" {
  assert {
    condition = { for parameter in aws_ssm_parameter.nfs_sharing : parameter.name => nonsensitive(parameter.value) } == {
      "/${var.project}/${var.environment}/app/shared_access_point" = aws_efs_access_point.nfs_sharing.id
      "/${var.project}/${var.environment}/app/shared_file_system"  = aws_efs_file_system.nfs_sharing.id
      "/${var.project}/${var.environment}/app/shared_folder"       = "/srv/share"
    }
    error_message = "servers would mount something else"
  }

  # systemd names the unit of a mount point after its path.
  assert {
    condition     = alltrue([for unit in ["share.service", "app.service.d/share.conf"] : strcontains(file("../servers/systemd/${unit}"), "\nAfter=${replace(trimprefix(local.nfs_sharing_folder, "/"), "/", "-")}.mount\n")])
    error_message = "the units wait for another mount point"
  }
}

run "by_itself_it_is_elastic_and_gets_cheaper" {
  command = plan

  assert {
    condition     = one(aws_efs_backup_policy.nfs_sharing.backup_policy).status == "DISABLED"
    error_message = "the share is backed up twice"
  }

  assert {
    condition     = aws_efs_file_system.nfs_sharing.throughput_mode == "elastic" && length(aws_cloudwatch_metric_alarm.nfs_sharing_burst_credits) + length(aws_cloudwatch_metric_alarm.nfs_sharing_throughput) == 0
    error_message = "the share has a throughput that somebody must watch"
  }

  assert {
    condition     = compact([for each in aws_efs_file_system.nfs_sharing.lifecycle_policy : each.transition_to_ia]) == tolist(["AFTER_30_DAYS"]) && compact([for each in aws_efs_file_system.nfs_sharing.lifecycle_policy : each.transition_to_primary_storage_class]) == tolist(["AFTER_1_ACCESS"])
    error_message = "files nobody reads stay where they are dear, or never come back"
  }
}

run "nobody_gets_past_the_application_s_folder_by_itself" {
  assert {
    condition     = local.nfs_sharing_access_points == [aws_efs_access_point.nfs_sharing.arn] && output.nfs_sharing_restored_access_point_id == null
    error_message = "another access point is let in"
  }
}

run "backups_and_the_cheaper_class_can_be_given_up" {
  command = plan

  variables {
    nfs_sharing_backups         = false
    nfs_sharing_infrequent_days = null
  }

  assert {
    condition     = one(aws_efs_backup_policy.nfs_sharing.backup_policy).status == "DISABLED" && length(aws_efs_file_system.nfs_sharing.lifecycle_policy) == 0
    error_message = "the share ignores its variables"
  }
}

run "one_day_is_named_as_efs_names_it" {
  command = plan

  variables {
    nfs_sharing_infrequent_days = 1
  }

  assert {
    condition     = aws_efs_file_system.nfs_sharing.lifecycle_policy[0].transition_to_ia == "AFTER_1_DAY"
    error_message = "EFS would refuse the name"
  }
}

run "somebody_hears_of_a_share_that_gets_slow" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.nfs_sharing_io_limit.metric_name == "PercentIOLimit" && aws_cloudwatch_metric_alarm.nfs_sharing_io_limit.dimensions == tomap({ FileSystemId = aws_efs_file_system.nfs_sharing.id })
    error_message = "the operations of the share are not watched"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.nfs_sharing_io_limit.alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "nobody hears of it"
  }
}

run "with_bursting_the_credits_and_the_bytes_are_watched" {
  variables {
    nfs_sharing_throughput_mode = "bursting"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.nfs_sharing_burst_credits[0].metric_name == "BurstCreditBalance" && aws_cloudwatch_metric_alarm.nfs_sharing_burst_credits[0].alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "credits run out unseen"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.nfs_sharing_throughput) == 1
    error_message = "nobody sees that the share moves all it may move"
  }
}

run "with_provisioned_throughput_the_bytes_are_watched" {
  variables {
    nfs_sharing_provisioned_mibps = 64
    nfs_sharing_throughput_mode   = "provisioned"
  }

  assert {
    condition     = aws_efs_file_system.nfs_sharing.provisioned_throughput_in_mibps == 64
    error_message = "another throughput is paid for"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.nfs_sharing_burst_credits) == 0 && aws_cloudwatch_metric_alarm.nfs_sharing_throughput[0].alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "nobody sees that the share moves all it may move"
  }
}

run "restored_files_can_be_reached_while_they_are_copied_back" {
  variables {
    nfs_sharing_restored_folder = "/aws-backup-restore_2026-01-31T02-00-00-000000Z"
  }

  assert {
    condition     = one(aws_efs_access_point.nfs_sharing_restored[0].root_directory).path == "/aws-backup-restore_2026-01-31T02-00-00-000000Z" && one(aws_efs_access_point.nfs_sharing_restored[0].posix_user).uid == 2000
    error_message = "another folder is opened, or for another user"
  }

  assert {
    condition     = length(local.nfs_sharing_access_points) == 2 && output.nfs_sharing_restored_access_point_id == aws_efs_access_point.nfs_sharing_restored[0].id
    error_message = "servers are not let into it"
  }
}

run "any_other_folder_is_refused" {
  command = plan

  variables {
    nfs_sharing_restored_folder = "/"
  }

  expect_failures = [var.nfs_sharing_restored_folder]
}

run "an_unknown_throughput_mode_is_refused" {
  command = plan

  variables {
    nfs_sharing_throughput_mode = "fast"
  }

  expect_failures = [var.nfs_sharing_throughput_mode]
}

run "provisioned_throughput_without_a_number_is_refused" {
  command = plan

  variables {
    nfs_sharing_throughput_mode = "provisioned"
  }

  expect_failures = [var.nfs_sharing_provisioned_mibps]
}

run "a_number_that_the_mode_ignores_is_refused" {
  command = plan

  variables {
    nfs_sharing_provisioned_mibps = 64
  }

  expect_failures = [var.nfs_sharing_provisioned_mibps]
}

run "more_throughput_than_there_is_is_refused" {
  command = plan

  variables {
    nfs_sharing_provisioned_mibps = 10000
    nfs_sharing_throughput_mode   = "provisioned"
  }

  expect_failures = [var.nfs_sharing_provisioned_mibps]
}

run "days_that_efs_does_not_know_are_refused" {
  command = plan

  variables {
    nfs_sharing_infrequent_days = 31
  }

  expect_failures = [var.nfs_sharing_infrequent_days]
}
