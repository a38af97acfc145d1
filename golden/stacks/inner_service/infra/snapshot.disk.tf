# The disk for data, copied every day while its file system is held still. AWS Backup cannot hold
# a Linux file system, so Data Lifecycle Manager does it: it runs a script on the server before and
# after, and copies all volumes of a stripe at the same moment.

locals {
  snapshot_mount_point = one(local.ondemand_disk_metric.resources)
}

# Runs as root on the server. DLM gives the two parameters, and asks for both.
resource "aws_ssm_document" "snapshot" {
  name            = "${local.snapshot_name}-freeze"
  document_type   = "Command"
  document_format = "JSON"
  target_type     = "/AWS::EC2::Instance"

  content = jsonencode({
    schemaVersion = "2.2"
    description   = "Holds ${local.snapshot_mount_point} of ${local.name} still while it is copied"
    parameters = {
      command = {
        type          = "String"
        default       = "dry-run"
        description   = "What to do"
        allowedValues = ["pre-script", "post-script", "dry-run"]
      }
      executionId = {
        type           = "String"
        default        = "None"
        description    = "Which copy it is for"
        allowedPattern = "^(None|[a-fA-F0-9-]{36})$"
      }
    }
    mainSteps = [{
      action = "aws:runShellScript"
      name   = "freeze"
      inputs = {
        timeoutSeconds = "60"
        runCommand = concat(
          ["#!/bin/bash", "set -- {{ command }} ${local.snapshot_mount_point}"],
          split("\n", file("${path.module}/snapshot/freeze.sh")),
        )
      }
    }]
  })
}

data "aws_iam_policy_document" "snapshot_disk" {
  statement {
    sid       = "Look"
    actions   = ["ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes", "ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation", "ssm:ListCommands"]
    resources = ["*"] # these actions know no narrower resource
  }

  statement {
    sid       = "HoldStill"
    actions   = ["ssm:DescribeDocument", "ssm:GetDocument", "ssm:SendCommand"]
    resources = [aws_ssm_document.snapshot.arn, aws_instance.standalone_server["main"].arn]
  }

  statement {
    sid     = "Copy"
    actions = ["ec2:CreateSnapshot", "ec2:CreateSnapshots"]
    resources = [
      aws_instance.standalone_server["main"].arn,
      "arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:volume/*", # those of the server, whichever they are then
      "arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}::snapshot/*",
    ]
  }

  statement {
    sid       = "NameTheCopy"
    actions   = ["ec2:CreateTags"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}::snapshot/*"]

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["CreateSnapshot", "CreateSnapshots"]
    }
  }

  # DLM marks its copies once more when the scripts have ended.
  statement {
    sid       = "MarkAndForgetItsOwn"
    actions   = ["ec2:CreateTags", "ec2:DeleteSnapshot"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}::snapshot/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Snapshot"
      values   = [local.snapshot_name]
    }
  }
}

resource "aws_iam_role" "snapshot_disk" {
  name               = "${local.snapshot_name}-disk"
  description        = "Lets Data Lifecycle Manager copy the data disk of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.snapshot_trust["dlm"].json
}

resource "aws_iam_role_policy" "snapshot_disk" {
  name   = "copy"
  role   = aws_iam_role.snapshot_disk.id
  policy = data.aws_iam_policy_document.snapshot_disk.json
}

# By CloudFormation, since major 5 of Terraform's provider knows no scripts of a policy.
resource "aws_cloudformation_stack" "snapshot" {
  name = local.snapshot_name

  template_body = jsonencode({
    Resources = {
      Policy = {
        Type = "AWS::DLM::LifecyclePolicy"
        Properties = {
          Description      = "Copies the data disk of ${local.name} every day"
          ExecutionRoleArn = aws_iam_role.snapshot_disk.arn
          State            = "ENABLED"
          PolicyDetails = {
            PolicyType    = "EBS_SNAPSHOT_MANAGEMENT"
            ResourceTypes = ["INSTANCE"]
            Parameters    = { ExcludeBootVolume = true }
            # It finds servers by a tag only. Taken from the server itself, it cannot be another one.
            TargetTags = [{ Key = "Name", Value = aws_instance.standalone_server["main"].tags["Name"] }]
            Schedules = [{
              Name      = "daily"
              CopyTags  = true # which volume of a stripe it is a copy of
              TagsToAdd = [{ Key = "Snapshot", Value = local.snapshot_name }]
              CreateRule = {
                CronExpression = "cron(15 ${var.snapshot_hour} * * ? *)"
                Scripts = [{
                  ExecuteOperationOnScriptFailure = true # rather a copy as after a power cut than none
                  ExecutionHandler                = aws_ssm_document.snapshot.name
                  ExecutionHandlerService         = "AWS_SYSTEMS_MANAGER"
                  ExecutionTimeout                = 60
                  MaximumRetryCount               = 1
                  Stages                          = ["PRE", "POST"]
                }]
              }
              RetainRule = { Interval = var.snapshot_data_retention_days, IntervalUnit = "DAYS" }
            }]
          }
        }
      }
    }
    Outputs = { PolicyId = { Value = { Ref = "Policy" } } }
  })

  # It must still be allowed to delete its copies for as long as it is there.
  depends_on = [aws_iam_role_policy.snapshot_disk]
}

resource "aws_cloudwatch_metric_alarm" "snapshot_disk_failed" {
  for_each = {
    PostScriptFailed      = "The data disk did not stay still while it was copied, so files in the copy may be half-written"
    PreScriptFailed       = "The data disk was not held still; the copy is as after a power cut"
    SnapshotsCreateFailed = "The data disk was not copied"
  }

  alarm_name          = "${local.snapshot_name}-disk-${lower(each.key)}"
  alarm_description   = "${each.value}. See docs/patterns/snapshot.md."
  namespace           = "AWS/EBS"
  metric_name         = each.key
  dimensions          = { DLMPolicyId = aws_cloudformation_stack.snapshot.outputs["PolicyId"] }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 3600
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching" # nothing failed
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# DLM begins within the hour after its time; what never begins cannot fail.
resource "aws_cloudwatch_metric_alarm" "snapshot_disk_missing" {
  alarm_name          = "${local.snapshot_name}-disk-missing"
  alarm_description   = "For 27 hours there has been no new copy of the data disk. See docs/patterns/snapshot.md."
  namespace           = "AWS/EBS"
  metric_name         = "SnapshotsCreateCompleted"
  dimensions          = { DLMPolicyId = aws_cloudformation_stack.snapshot.outputs["PolicyId"] }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 3600
  evaluation_periods  = 27
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
