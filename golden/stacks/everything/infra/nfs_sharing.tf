# One file system that every server mounts: what one of them writes, all of them read at once.
# It is a managed one with an address in every zone, so there is no file server to lose.

locals {
  nfs_sharing_port = 2049

  # Where servers mount it. The units of servers/systemd name this folder too.
  nfs_sharing_folder = "/srv/share"

  # Whoever writes through the access point writes as this user, which is the one that the
  # application runs as on every server: servers/setup/install/15-share.sh makes it.
  nfs_sharing_uid = 2000
}

resource "aws_efs_file_system" "nfs_sharing" {
  # checkov:skip=CKV2_AWS_18: it is in a plan, by its ARN or by aws_efs_backup_policy
  # checkov:skip=CKV_AWS_184: a key of our own would be given to the same roles, and cost money each month
  creation_token                  = "${local.name}-share"
  encrypted                       = true
  performance_mode                = "generalPurpose" # the other one only adds delay by now
  throughput_mode                 = var.nfs_sharing_throughput_mode
  provisioned_throughput_in_mibps = var.nfs_sharing_provisioned_mibps

  # Files nobody reads get cheaper by the month and dearer by the read; the first read after
  # that brings one back.
  dynamic "lifecycle_policy" {
    for_each = var.nfs_sharing_infrequent_days == null ? [] : [
      { to_infrequent = "AFTER_${var.nfs_sharing_infrequent_days}_DAY${var.nfs_sharing_infrequent_days == 1 ? "" : "S"}", to_primary = null },
      { to_infrequent = null, to_primary = "AFTER_1_ACCESS" },
    ]

    content {
      transition_to_ia                    = lifecycle_policy.value.to_infrequent
      transition_to_primary_storage_class = lifecycle_policy.value.to_primary
    }
  }

  tags = { Name = "${local.name}-share" }
}

resource "aws_efs_backup_policy" "nfs_sharing" {
  file_system_id = aws_efs_file_system.nfs_sharing.id

  backup_policy {
    status = var.nfs_sharing_backups ? "ENABLED" : "DISABLED"
  }
}

resource "aws_efs_access_point" "nfs_sharing" {
  file_system_id = aws_efs_file_system.nfs_sharing.id

  posix_user {
    uid = local.nfs_sharing_uid
    gid = local.nfs_sharing_uid
  }

  root_directory {
    path = "/application"

    creation_info {
      owner_uid   = local.nfs_sharing_uid
      owner_gid   = local.nfs_sharing_uid
      permissions = "0750"
    }
  }

  tags = { Name = "${local.name}-share" }
}

# AWS Backup restores into a folder beside that of the application. This lets servers into it
# for as long as somebody copies files back.
resource "aws_efs_access_point" "nfs_sharing_restored" {
  count = var.nfs_sharing_restored_folder == null ? 0 : 1

  file_system_id = aws_efs_file_system.nfs_sharing.id

  posix_user {
    uid = local.nfs_sharing_uid
    gid = local.nfs_sharing_uid
  }

  root_directory {
    path = var.nfs_sharing_restored_folder
  }

  tags = { Name = "${local.name}-share-restored" }
}

locals {
  nfs_sharing_access_points = concat([aws_efs_access_point.nfs_sharing.arn], aws_efs_access_point.nfs_sharing_restored[*].arn)
}

resource "aws_security_group" "nfs_sharing" {
  name        = "${local.name}-share"
  description = "The share of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-share" }
}

resource "aws_vpc_security_group_ingress_rule" "nfs_sharing" {
  for_each = local.setup_security_groups

  security_group_id            = aws_security_group.nfs_sharing.id
  description                  = "NFS, from the servers of ${local.name}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.nfs_sharing_port
  to_port                      = local.nfs_sharing_port
}

resource "aws_vpc_security_group_egress_rule" "nfs_sharing" {
  for_each = local.setup_security_groups

  security_group_id            = each.value
  description                  = "NFS, to the share"
  referenced_security_group_id = aws_security_group.nfs_sharing.id
  ip_protocol                  = "tcp"
  from_port                    = local.nfs_sharing_port
  to_port                      = local.nfs_sharing_port
}

# One in every zone of the network: a server reaches the share inside its own zone, and the
# loss of a zone takes the share from nobody else.
resource "aws_efs_mount_target" "nfs_sharing" {
  for_each = aws_subnet.network_private

  file_system_id  = aws_efs_file_system.nfs_sharing.id
  subnet_id       = each.value.id
  security_groups = [aws_security_group.nfs_sharing.id]

  # Where a zone is given up, its servers leave before their way to the share does.
  lifecycle {
    create_before_destroy = true
  }
}

# What holds for everybody, whatever permissions they have elsewhere. With a policy of its own
# the file system also lets in nobody who does not sign in with a role.
data "aws_iam_policy_document" "nfs_sharing_file_system" {
  statement {
    sid       = "EncryptedConnectionsOnly"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "elasticfilesystem:ClientRootAccess"]
    resources = [aws_efs_file_system.nfs_sharing.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "ThroughAnAccessPointOnly"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.nfs_sharing.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    # Also true of a client that names no access point.
    condition {
      test     = "ArnNotEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = local.nfs_sharing_access_points
    }
  }

  statement {
    sid       = "NobodyAsRoot"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientRootAccess"]
    resources = [aws_efs_file_system.nfs_sharing.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_efs_file_system_policy" "nfs_sharing" {
  file_system_id = aws_efs_file_system.nfs_sharing.id
  policy         = data.aws_iam_policy_document.nfs_sharing_file_system.json
}

data "aws_iam_policy_document" "nfs_sharing" {
  statement {
    sid       = "UseTheShare"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.nfs_sharing.arn]

    condition {
      test     = "ArnEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = local.nfs_sharing_access_points
    }
  }
}

resource "aws_iam_role_policy" "nfs_sharing" {
  for_each = local.setup_roles

  name   = "share"
  role   = each.value
  policy = data.aws_iam_policy_document.nfs_sharing.json
}

# What servers mount and where the application finds it.
resource "aws_ssm_parameter" "nfs_sharing" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = {
    shared_access_point = aws_efs_access_point.nfs_sharing.id
    shared_file_system  = aws_efs_file_system.nfs_sharing.id
    shared_folder       = local.nfs_sharing_folder
  }

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}

# All servers lean on it, and it gets slower with each one more. Which limit is met first
# depends on what its throughput is paid by.
resource "aws_cloudwatch_metric_alarm" "nfs_sharing_io_limit" {
  alarm_name          = "${local.name}-nfs-sharing-io-limit"
  alarm_description   = "For 15 minutes the share ${aws_efs_file_system.nfs_sharing.id} did more than 80 % of the operations it can do; requests that need it get slow. See docs/patterns/nfs_sharing.md."
  namespace           = "AWS/EFS"
  metric_name         = "PercentIOLimit"
  dimensions          = { FileSystemId = aws_efs_file_system.nfs_sharing.id }
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 80
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching" # nobody has it mounted
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "nfs_sharing_burst_credits" {
  count = var.nfs_sharing_throughput_mode == "bursting" ? 1 : 0

  alarm_name          = "${local.name}-nfs-sharing-burst-credits"
  alarm_description   = "The share ${aws_efs_file_system.nfs_sharing.id} has credits for less than an hour at 100 MiB/s; without them it is as slow as its size allows. See docs/patterns/nfs_sharing.md."
  namespace           = "AWS/EFS"
  metric_name         = "BurstCreditBalance"
  dimensions          = { FileSystemId = aws_efs_file_system.nfs_sharing.id }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 100 * 1024 * 1024 * 3600 # bytes
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "nfs_sharing_throughput" {
  count = var.nfs_sharing_throughput_mode == "elastic" ? 0 : 1

  alarm_name          = "${local.name}-nfs-sharing-throughput"
  alarm_description   = "For 15 minutes the share ${aws_efs_file_system.nfs_sharing.id} moved more than 80 % of the bytes it may move. See docs/patterns/nfs_sharing.md."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 80
  evaluation_periods  = 15
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "used"
    label       = "Percent of the permitted throughput"
    expression  = "100 * (moved / 60) / permitted"
    return_data = true
  }

  metric_query {
    id = "moved"

    metric {
      namespace   = "AWS/EFS"
      metric_name = "MeteredIOBytes"
      dimensions  = { FileSystemId = aws_efs_file_system.nfs_sharing.id }
      period      = 60
      stat        = "Sum"
    }
  }

  metric_query {
    id = "permitted"

    metric {
      namespace   = "AWS/EFS"
      metric_name = "PermittedThroughput"
      dimensions  = { FileSystemId = aws_efs_file_system.nfs_sharing.id }
      period      = 60
      stat        = "Average"
    }
  }
}
