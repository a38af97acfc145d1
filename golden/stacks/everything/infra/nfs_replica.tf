# Each server reads shared files from a copy on its own disk, and writes them to the share. So
# reads are as fast as a disk, however many servers there are, and go on without the share.

locals {
  nfs_replica_folder           = "/srv/replica"
  nfs_replica_metric_namespace = "${local.name}/replica"
}

resource "aws_ssm_parameter" "nfs_replica" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = {
    replica_copy_seconds     = var.nfs_replica_copy_seconds
    replica_folder           = local.nfs_replica_folder
    replica_interval_seconds = var.nfs_replica_interval_seconds
    replica_max_age_seconds  = var.nfs_replica_max_age_seconds
    replica_metric_namespace = local.nfs_replica_metric_namespace
    shared_read_folder       = "${local.nfs_replica_folder}/current"
  }

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}

data "aws_iam_policy_document" "nfs_replica" {
  statement {
    sid       = "TellTheAgeOfTheCopy"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # this action knows no narrower resource, but a namespace

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [local.nfs_replica_metric_namespace]
    }
  }
}

resource "aws_iam_role_policy" "nfs_replica" {
  for_each = local.setup_roles

  name   = "replica"
  role   = each.value
  policy = data.aws_iam_policy_document.nfs_replica.json
}

# Users notice nothing of a copy that has stopped following, until they miss what is new in it.
resource "aws_cloudwatch_metric_alarm" "nfs_replica" {
  alarm_name          = "${local.name}-nfs-replica-age"
  alarm_description   = "For five minutes the copy of the share on at least one server was older than ${var.nfs_replica_max_age_seconds} seconds, or no server told the age of its own. See docs/patterns/nfs_replica.md."
  namespace           = local.nfs_replica_metric_namespace
  metric_name         = "AgeSeconds"
  statistic           = "Maximum" # the worst of all servers
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.nfs_replica_max_age_seconds
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "breaching" # servers that tell nothing copy nothing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
