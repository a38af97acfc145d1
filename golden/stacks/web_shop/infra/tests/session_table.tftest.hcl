mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "sessions_expire_by_what_the_application_writes" {
  assert {
    condition     = aws_dynamodb_table.session_table.ttl[0].enabled && aws_dynamodb_table.session_table.ttl[0].attribute_name == local.session_table_expires_at
    error_message = "old sessions are never cleared away"
  }

  assert {
    condition = alltrue([
      for line in ["KEY = \"${aws_dynamodb_table.session_table.hash_key}\"", "EXPIRES_AT = \"${aws_dynamodb_table.session_table.ttl[0].attribute_name}\""] :
      contains(split("\n", file("../app/src/app/session_stores/dynamodb.py")), line)
    ])
    error_message = "table and application name the attributes differently"
  }
}

run "the_table_is_encrypted_and_guarded" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.session_table.server_side_encryption[0].enabled
    error_message = "sessions are not encrypted with a key whose use is recorded"
  }

  assert {
    condition     = aws_dynamodb_table.session_table.deletion_protection_enabled && aws_dynamodb_table.session_table.point_in_time_recovery[0].enabled
    error_message = "the table could be deleted, or not restored"
  }

  assert {
    condition     = aws_dynamodb_table.session_table.billing_mode == "PAY_PER_REQUEST"
    error_message = "the table has a capacity that a rush would exceed"
  }
}

run "protection_and_backups_can_be_given_up" {
  command = plan

  variables {
    session_table_deletion_protection    = false
    session_table_point_in_time_recovery = false
  }

  assert {
    condition     = !aws_dynamodb_table.session_table.deletion_protection_enabled && !aws_dynamodb_table.session_table.point_in_time_recovery[0].enabled
    error_message = "the table ignores its variables"
  }
}

run "servers_may_use_single_sessions_of_this_table_only" {
  assert {
    condition     = toset(flatten([for statement in data.aws_iam_policy_document.session_table.statement : statement.actions])) == toset(["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"])
    error_message = "servers may do more than the application does"
  }

  assert {
    condition     = flatten([for statement in data.aws_iam_policy_document.session_table.statement : statement.resources]) == [aws_dynamodb_table.session_table.arn]
    error_message = "servers may reach other tables"
  }

  assert {
    condition     = { for kind, policy in aws_iam_role_policy.session_table : kind => policy.role } == local.setup_roles
    error_message = "the permission is somebody else's"
  }
}

run "the_application_is_told_the_name" {
  assert {
    condition     = aws_ssm_parameter.session_table.name == "/${var.project}/${var.environment}/app/session_table" && nonsensitive(aws_ssm_parameter.session_table.value) == "${local.name}-sessions"
    error_message = "the application would look for another table"
  }
}

run "the_table_is_reached_without_nat_from_every_zone" {
  assert {
    condition     = aws_vpc_endpoint.network_gateway["dynamodb"].route_table_ids == toset([for table in aws_route_table.network_private : table.id])
    error_message = "requests to the table pay a NAT gateway"
  }
}

run "whatever_the_table_refuses_is_told" {
  assert {
    condition = toset([
      for query in aws_cloudwatch_metric_alarm.session_table.metric_query :
      "${query.metric[0].metric_name} ${lookup(query.metric[0].dimensions, "Operation", "")}" if length(query.metric) > 0
      ]) == toset([
      "ReadThrottleEvents ", "WriteThrottleEvents ",
      "SystemErrors DeleteItem", "SystemErrors GetItem", "SystemErrors PutItem", "SystemErrors UpdateItem",
    ])
    error_message = "some refusals are not counted"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.session_table.alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "nobody hears of it"
  }
}
