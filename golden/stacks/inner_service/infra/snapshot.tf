# Copies on a schedule, each kept for a number of days and told of when it is missing. What is
# copied is named by its ARN, not found by a tag that somebody may rename.

locals {
  snapshot_name = "${local.name}-snapshot"

  # Each rule has a vault of its own, so that its alarms say which copy is missing. All times are in
  # UTC: Data Lifecycle Manager knows no other, and a week has the same hours all year.
  snapshot_rules = {
    data = {
      arns           = local.snapshot_data_arns
      hours          = 26 # one missed
      retention_days = var.snapshot_data_retention_days
      schedule       = "cron(15 ${var.snapshot_hour} * * ? *)"
    }
    server = {
      arns           = [for server in aws_instance.standalone_server : server.arn]
      hours          = 168 # the longest CloudWatch looks back
      retention_days = var.snapshot_server_retention_days
      schedule       = "cron(45 ${var.snapshot_hour} ? * ${join(",", var.snapshot_server_weekdays)} *)"
    }
  }

  # What the parts of the system named.
  snapshot_data_arns = concat(
    # The rows of the databases.
    values({ for key, arn in [for database in aws_db_instance.database : database.arn] : key => arn }),
  )
}

# Encrypted with the AWS-managed key `aws/backup`.
resource "aws_backup_vault" "snapshot" {
  # checkov:skip=CKV_AWS_166: a key of our own would cost money each month and change nothing for servers, whose copies keep the key of their disks
  for_each = local.snapshot_rules

  name = "${local.snapshot_name}-${each.key}"
}

# Not even an administrator deletes a copy by mistake before its time.
resource "aws_backup_vault_lock_configuration" "snapshot" {
  for_each = var.snapshot_lock_days == null ? {} : aws_backup_vault.snapshot

  backup_vault_name  = each.value.name
  min_retention_days = var.snapshot_lock_days
}

data "aws_iam_policy_document" "snapshot_trust" {
  for_each = toset(["backup", "dlm"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.${data.aws_partition.current.dns_suffix}"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "snapshot" {
  name               = local.snapshot_name
  description        = "Lets AWS Backup copy what belongs to ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.snapshot_trust["backup"].json
}

# AWS Backup's own list: what it needs differs by the kind of resource and grows with the service.
resource "aws_iam_role_policy_attachment" "snapshot" {
  role       = aws_iam_role.snapshot.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
}

# A plan does all its rules to all its resources, so there is one for each rule.
resource "aws_backup_plan" "snapshot" {
  for_each = local.snapshot_rules

  name = "${local.snapshot_name}-${each.key}"

  rule {
    rule_name         = each.key
    target_vault_name = aws_backup_vault.snapshot[each.key].name
    schedule          = each.value.schedule
    start_window      = 60 # minutes; what has not begun by then has failed, and rings

    lifecycle {
      delete_after = each.value.retention_days
    }
  }
}

resource "aws_backup_selection" "snapshot" {
  for_each = local.snapshot_rules

  name         = each.key
  plan_id      = aws_backup_plan.snapshot[each.key].id
  iam_role_arn = aws_iam_role.snapshot.arn
  resources    = each.value.arns

  depends_on = [aws_iam_role_policy_attachment.snapshot]
}

# A job that was begun ends well, or as one of these.
resource "aws_cloudwatch_metric_alarm" "snapshot_failed" {
  for_each = { for each in setproduct(keys(local.snapshot_rules), ["Aborted", "Expired", "Failed"]) : "${each[0]}-${lower(each[1])}" => { rule = each[0], end = each[1] } }

  alarm_name          = "${local.snapshot_name}-${each.key}"
  alarm_description   = "A copy of what belongs to ${local.name} was not made: its job in the vault ${aws_backup_vault.snapshot[each.value.rule].name} ended as ${lower(each.value.end)}. See docs/patterns/snapshot.md."
  namespace           = "AWS/Backup"
  metric_name         = "NumberOfBackupJobs${each.value.end}"
  dimensions          = { BackupVaultName = aws_backup_vault.snapshot[each.value.rule].name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 3600
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching" # nothing ended badly
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# A plan that was switched off, lost its resources or never ran makes no job that could fail.
resource "aws_cloudwatch_metric_alarm" "snapshot_missing" {
  for_each = local.snapshot_rules

  alarm_name          = "${local.snapshot_name}-${each.key}-missing"
  alarm_description   = "For ${each.value.hours} hours nobody has begun a copy in the vault ${aws_backup_vault.snapshot[each.key].name}. See docs/patterns/snapshot.md."
  namespace           = "AWS/Backup"
  metric_name         = "NumberOfBackupJobsCreated"
  dimensions          = { BackupVaultName = aws_backup_vault.snapshot[each.key].name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 3600
  evaluation_periods  = each.value.hours
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
