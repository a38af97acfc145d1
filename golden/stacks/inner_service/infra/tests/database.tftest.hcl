mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "what_a_database_holds_is_encrypted_and_kept" {
  assert {
    condition     = contains(keys(aws_db_instance.database), "main") && alltrue([for database in aws_db_instance.database : database.storage_encrypted && database.copy_tags_to_snapshot])
    error_message = "data could be read on a disk"
  }

  assert {
    condition     = [for parameter in aws_db_parameter_group.database.parameter : parameter.value if parameter.name == "rds.force_ssl"] == ["1"] && alltrue([for database in aws_db_instance.database : database.parameter_group_name == aws_db_parameter_group.database.name])
    error_message = "data could be read on the way"
  }

  assert {
    condition     = alltrue([for database in aws_db_instance.database : database.deletion_protection && !database.skip_final_snapshot && database.backup_retention_period == 7])
    error_message = "a mistake would cost the data"
  }

  assert {
    condition     = alltrue([for name, database in aws_db_instance.database : can(regex("^${database.identifier}-last-[0-9]{14}$", database.final_snapshot_identifier))])
    error_message = "the last copy could have the name of an earlier one: ${join(", ", [for database in aws_db_instance.database : database.final_snapshot_identifier])}"
  }
}

run "nobody_writes_a_password_down" {
  assert {
    condition     = alltrue([for database in aws_db_instance.database : database.manage_master_user_password && database.password == null])
    error_message = "a password would stand in Terraform's state"
  }

  assert {
    condition = { for name, parameter in aws_ssm_parameter.database : parameter.name => nonsensitive(parameter.value) } == {
      "/${var.project}/${var.environment}/app/database_host"       = "mock.abc123.eu-central-1.rds.amazonaws.com"
      "/${var.project}/${var.environment}/app/database_name"       = "app"
      "/${var.project}/${var.environment}/app/database_port"       = "5432"
      "/${var.project}/${var.environment}/app/database_secret_arn" = output.database_secret_arns["main"]
    }
    error_message = "the application would look elsewhere"
  }

  assert {
    condition     = { for kind, policy in aws_iam_role_policy.database : kind => policy.role } == local.setup_roles
    error_message = "a kind of server cannot sign in"
  }
}

run "servers_read_that_password_and_no_other" {
  assert {
    condition     = [for statement in data.aws_iam_policy_document.database.statement : [statement.actions, statement.resources]] == [[toset(["secretsmanager:GetSecretValue"]), toset(values(output.database_secret_arns))]]
    error_message = "servers may do more with secrets than read one"
  }
}

run "only_servers_reach_it_in_private_subnets" {
  assert {
    condition     = { for kind, rule in aws_vpc_security_group_ingress_rule.database : kind => rule.referenced_security_group_id } == local.setup_security_groups && alltrue([for rule in aws_vpc_security_group_ingress_rule.database : rule.security_group_id == aws_security_group.database.id && rule.from_port == 5432 && rule.to_port == 5432])
    error_message = "the database is open to somebody else"
  }

  assert {
    condition     = { for kind, rule in aws_vpc_security_group_egress_rule.database : kind => rule.security_group_id } == local.setup_security_groups && alltrue([for rule in aws_vpc_security_group_egress_rule.database : rule.referenced_security_group_id == aws_security_group.database.id])
    error_message = "servers may speak to something else than the database"
  }

  assert {
    condition     = alltrue([for database in aws_db_instance.database : !database.publicly_accessible && database.vpc_security_group_ids == toset([aws_security_group.database.id]) && database.db_subnet_group_name == aws_db_subnet_group.database.name])
    error_message = "a database stands elsewhere"
  }

  assert {
    condition     = aws_db_subnet_group.database.subnet_ids == toset([for subnet in aws_subnet.network_private : subnet.id])
    error_message = "databases stand in ${join(", ", aws_db_subnet_group.database.subnet_ids)}"
  }
}

run "windows_never_meet" {
  command = plan

  variables {
    database_quiet_hour = 23
  }

  assert {
    condition     = alltrue([for database in aws_db_instance.database : database.backup_window == "23:00-23:45" && database.maintenance_window == "sun:00:00-sun:00:45"])
    error_message = "backup and patches: ${join(", ", [for database in aws_db_instance.database : "${database.backup_window} ${database.maintenance_window}"])}"
  }
}

run "somebody_hears_of_it_before_users_do" {
  override_data {
    target = data.aws_ec2_instance_type.database
    values = { memory_size = 4096 }
  }

  assert {
    condition     = data.aws_ec2_instance_type.database.instance_type == "t4g.medium" && local.database_connections == 450
    error_message = "4 GiB carry 450 connections, not ${local.database_connections}"
  }

  assert {
    condition     = { for name, alarm in aws_cloudwatch_metric_alarm.database : name => [alarm.metric_name, alarm.threshold] if startswith(name, "main-") } == { main-connections = ["DatabaseConnections", 315], main-cpu = ["CPUUtilization", 80], main-storage = ["FreeStorageSpace", 2147483648] }
    error_message = "alarms: ${jsonencode({ for name, alarm in aws_cloudwatch_metric_alarm.database : name => [alarm.metric_name, alarm.threshold] })}"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.database) == 3 * length(aws_db_instance.database) && alltrue([for alarm in aws_cloudwatch_metric_alarm.database : alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])])
    error_message = "a database has no alarms, or nobody hears them"
  }

  assert {
    condition     = aws_db_event_subscription.database.sns_topic == aws_sns_topic.alarms.arn && toset(aws_db_event_subscription.database.source_ids) == toset(values(output.database_identifiers))
    error_message = "what RDS says reaches nobody"
  }
}

run "rds_may_speak_to_the_topic" {
  command = plan

  assert {
    condition     = contains(flatten([for statement in data.aws_iam_policy_document.alarms.statement : [for principal in statement.principals : tolist(principal.identifiers)]]), "events.rds.amazonaws.com")
    error_message = "the topic refuses what RDS says"
  }
}

run "a_major_version_brings_its_own_parameters" {
  command = plan

  variables {
    database_engine_version = "18"
  }

  assert {
    condition     = aws_db_parameter_group.database.family == "postgres18" && aws_db_parameter_group.database.name == "${local.name}-postgres18" && alltrue([for database in aws_db_instance.database : database.allow_major_version_upgrade])
    error_message = "version 18 would run with parameters of ${aws_db_parameter_group.database.family}"
  }
}

run "the_application_looks_where_the_authorities_are_put" {
  command = plan

  assert {
    condition     = strcontains(file("${local.setup_root}/servers/setup/install/30-database.sh"), "authorities=$ROOT${regex("database_ca_file: str = \"([^\"]+)\"", file("${local.setup_root}/app/src/app/database.py"))[0]}\n")
    error_message = "the application would trust no database"
  }
}

run "a_database_without_backups_is_refused" {
  command = plan

  variables {
    database_backup_days = 0
  }

  expect_failures = [var.database_backup_days]
}

run "a_minor_version_is_refused" {
  command = plan

  variables {
    database_engine_version = "17.4"
  }

  expect_failures = [var.database_engine_version]
}

run "a_server_type_is_refused" {
  command = plan

  variables {
    database_instance_class = "t4g.medium"
  }

  expect_failures = [var.database_instance_class]
}

run "an_alias_of_a_key_is_refused" {
  command = plan

  variables {
    database_kms_key_arn = "alias/data"
  }

  expect_failures = [var.database_kms_key_arn]
}

run "logs_for_two_days_are_refused" {
  command = plan

  variables {
    database_log_retention_days = 2
  }

  expect_failures = [var.database_log_retention_days]
}

run "a_port_that_rds_does_not_take_is_refused" {
  command = plan

  variables {
    database_port = 443
  }

  expect_failures = [var.database_port]
}

run "an_hour_of_no_day_is_refused" {
  command = plan

  variables {
    database_quiet_hour = 24
  }

  expect_failures = [var.database_quiet_hour]
}

run "a_disk_smaller_than_rds_makes_is_refused" {
  command = plan

  variables {
    database_storage_gib = 10
  }

  expect_failures = [var.database_storage_gib]
}

run "a_disk_that_could_not_grow_is_refused" {
  command = plan

  variables {
    database_storage_gib     = 100
    database_storage_max_gib = 100
  }

  expect_failures = [var.database_storage_max_gib]
}
