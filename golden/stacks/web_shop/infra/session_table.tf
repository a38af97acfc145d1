# Sessions as items of one table. There is nothing to size and nothing to patch: the table
# is as fast with a million sessions as with ten, and costs nothing while nobody comes.

locals {
  # The application writes what these name; app/src/app/session_stores/dynamodb.py holds them too.
  session_table_key        = "session_key"
  session_table_expires_at = "expires_at"
}

resource "aws_dynamodb_table" "session_table" {
  name                        = "${local.name}-sessions"
  billing_mode                = "PAY_PER_REQUEST" # follows the load by itself, in both directions
  deletion_protection_enabled = var.session_table_deletion_protection
  hash_key                    = local.session_table_key

  attribute {
    name = local.session_table_key
    type = "S"
  }

  # Free, but late: an item may stay for days after its time. The application looks at the
  # time itself, so all that this does is to clear away.
  ttl {
    attribute_name = local.session_table_expires_at
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.session_table_point_in_time_recovery
  }

  # The AWS-managed key instead of the one DynamoDB owns: each use of it is in CloudTrail.
  # checkov:skip=CKV_AWS_119: a key of our own would be given to the same roles, and cost money each month
  server_side_encryption {
    enabled = true
  }
}

# One session at a time, by its key: who takes over a server cannot list the others.
data "aws_iam_policy_document" "session_table" {
  statement {
    sid = "OneSessionAtATime"
    actions = [
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
    ]
    resources = [aws_dynamodb_table.session_table.arn]
  }
}

resource "aws_iam_role_policy" "session_table" {
  for_each = local.setup_roles

  name   = "session-table"
  role   = each.value
  policy = data.aws_iam_policy_document.session_table.json
}

resource "aws_ssm_parameter" "session_table" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  name  = "${local.setup_settings_path}/session_table"
  type  = "String"
  value = aws_dynamodb_table.session_table.name
}

# The one place that all servers lean on. The application tries a request twice, so what is
# counted here for minutes is felt by users.
locals {
  session_table_refusals = merge(
    { for direction in ["Read", "Write"] : "throttled_${lower(direction)}" => { metric = "${direction}ThrottleEvents", dimensions = {} } },
    # Counted for each operation, and for no table as a whole.
    { for operation in ["DeleteItem", "GetItem", "PutItem", "UpdateItem"] : "failed_${lower(operation)}" => { metric = "SystemErrors", dimensions = { Operation = operation } } },
  )
}

resource "aws_cloudwatch_metric_alarm" "session_table" {
  alarm_name          = "${local.name}-session-table"
  alarm_description   = "Table ${aws_dynamodb_table.session_table.name} refused requests in three of five minutes: it was throttled, or DynamoDB failed. See docs/components/session_table.md."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching" # no requests, no refusals
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "refused"
    label       = "Requests throttled or failed"
    expression  = "SUM([${join(", ", [for id in keys(local.session_table_refusals) : "FILL(${id}, 0)"])}])"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.session_table_refusals

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/DynamoDB"
        metric_name = metric_query.value.metric
        dimensions  = merge({ TableName = aws_dynamodb_table.session_table.name }, metric_query.value.dimensions)
        period      = 60
        stat        = "Sum"
      }
    }
  }
}
