# PostgreSQL in RDS: patched, backed up and watched by AWS, in private subnets, and reached by
# the servers only.

locals {
  # Each is a database server of its own.
  database_names = toset(["main"])

  # Made before there are any, alarms and logs must know what each will be called.
  database_identifiers = { for name in local.database_names : name => "${local.name}-${name}" }

  # PostgreSQL takes one connection for every 9.5 MB of the machine's memory, unless told otherwise.
  database_connections = min(5000, floor(data.aws_ec2_instance_type.database.memory_size * 1024 * 1024 / 9531392))
}

# A database's machine is one of EC2's, with this much memory.
data "aws_ec2_instance_type" "database" {
  instance_type = trimprefix(var.database_instance_class, "db.")
}

resource "aws_db_subnet_group" "database" {
  name        = "${local.name}-database"
  description = "Private subnets, for the databases of ${local.name}"
  subnet_ids  = [for subnet in aws_subnet.network_private : subnet.id]
}

# Connections without TLS are refused, so that no client can forget it.
resource "aws_db_parameter_group" "database" {
  name        = "${local.name}-postgres${var.database_engine_version}"
  description = "Databases of ${local.name}"
  family      = "postgres${var.database_engine_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  lifecycle {
    create_before_destroy = true # the next major version has a family of its own
  }
}

resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "The databases of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each = local.setup_security_groups

  security_group_id            = aws_security_group.database.id
  description                  = "PostgreSQL, from the servers of ${local.name}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port
}

resource "aws_vpc_security_group_egress_rule" "database" {
  for_each = local.setup_security_groups

  security_group_id            = each.value
  description                  = "PostgreSQL, to the databases"
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port
}

# RDS would make these by itself, and keep them for ever.
resource "aws_cloudwatch_log_group" "database" {
  # checkov:skip=CKV_AWS_158: a key of our own would be given to the same roles, and cost money each month
  # checkov:skip=CKV_AWS_338: a year of them costs more than most need; database_log_retention_days takes up to ten
  for_each = { for pair in setproduct(local.database_names, ["postgresql", "upgrade"]) : join("-", pair) => pair }

  name              = "/aws/rds/instance/${local.database_identifiers[each.value[0]]}/${each.value[1]}"
  retention_in_days = var.database_log_retention_days
}

data "aws_iam_policy_document" "database_monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "database_monitoring" {
  name               = "${local.name}-database-monitoring"
  description        = "Lets RDS write down what the machines of the databases do"
  assume_role_policy = data.aws_iam_policy_document.database_monitoring_trust.json
}

resource "aws_iam_role_policy_attachment" "database_monitoring" {
  role       = aws_iam_role.database_monitoring.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

# The last copy of a database has a name of its own, also where another one of the same name was
# destroyed before.
resource "terraform_data" "database_made" {
  for_each = local.database_names

  input = plantimestamp()

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_db_instance" "database" {
  # checkov:skip=CKV_AWS_157: one database without a standby was chosen: data that may be away for hours
  # checkov:skip=CKV_AWS_161: the application alone signs in, by a password that RDS keeps and changes by itself
  # checkov:skip=CKV_AWS_354: a key of our own would be given to the same roles, and cost money each month
  for_each = local.database_names

  identifier                  = local.database_identifiers[each.key]
  engine                      = "postgres"
  engine_version              = var.database_engine_version
  instance_class              = var.database_instance_class
  db_name                     = "app"
  parameter_group_name        = aws_db_parameter_group.database.name
  allow_major_version_upgrade = true # a higher database_engine_version is the decision
  auto_minor_version_upgrade  = true

  # RDS makes the password, keeps it in Secrets Manager and changes it every seven days. So it is
  # in no state and in no setting.
  username                    = "app"
  manage_master_user_password = true

  db_subnet_group_name   = aws_db_subnet_group.database.name
  multi_az               = false
  port                   = var.database_port
  publicly_accessible    = false
  vpc_security_group_ids = [aws_security_group.database.id]

  # The disk grows by itself, up to the second number, and never shrinks. Null takes the key that
  # AWS keeps for RDS: one of our own would go with the stack, and the last copy with it.
  allocated_storage     = var.database_storage_gib
  max_allocated_storage = var.database_storage_max_gib
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.database_kms_key_arn

  # In UTC, and a quarter of an hour apart: AWS takes no windows that meet.
  backup_retention_period   = var.database_backup_days
  backup_window             = format("%02d:00-%02d:45", var.database_quiet_hour, var.database_quiet_hour)
  maintenance_window        = format("sun:%02d:00-sun:%02d:45", (var.database_quiet_hour + 1) % 24, (var.database_quiet_hour + 1) % 24)
  copy_tags_to_snapshot     = true
  deletion_protection       = var.database_deletion_protection
  skip_final_snapshot       = !var.database_final_snapshot
  final_snapshot_identifier = var.database_final_snapshot ? "${local.database_identifiers[each.key]}-last-${formatdate("YYYYMMDDhhmmss", terraform_data.database_made[each.key].output)}" : null

  # Which statement waits for what, kept for the seven days that cost nothing; and what runs on
  # the machine, each minute.
  performance_insights_enabled          = true
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.database_monitoring.arn
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]

  # What was decided in an apply shall be true after it, and not after the next Sunday.
  apply_immediately = true

  depends_on = [
    aws_cloudwatch_log_group.database,
    aws_iam_role_policy_attachment.database_monitoring,
  ]
}

# Its own key needs no permission: the key AWS keeps for Secrets Manager lets everyone who may
# read a secret of this account decrypt it there.
data "aws_iam_policy_document" "database" {
  statement {
    sid       = "ReadThePassword"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [for database in aws_db_instance.database : database.master_user_secret[0].secret_arn]
  }
}

resource "aws_iam_role_policy" "database" {
  for_each = local.setup_roles

  name   = "database"
  role   = each.value
  policy = data.aws_iam_policy_document.database.json
}

resource "aws_ssm_parameter" "database" {
  # checkov:skip=CKV2_AWS_34: where the password is, not what it is
  for_each = {
    database_host       = aws_db_instance.database["main"].address
    database_name       = aws_db_instance.database["main"].db_name
    database_port       = aws_db_instance.database["main"].port
    database_secret_arn = aws_db_instance.database["main"].master_user_secret[0].secret_arn
  }

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}

# What RDS says by itself, to where the alarms go.
resource "aws_db_event_subscription" "database" {
  name             = "${local.name}-database"
  sns_topic        = aws_sns_topic.alarms.arn
  source_type      = "db-instance"
  source_ids       = [for database in aws_db_instance.database : database.identifier]
  event_categories = ["availability", "failure", "low storage"]

  # RDS tries the topic out at once.
  depends_on = [aws_sns_topic_policy.alarms]
}

locals {
  database_alarms = {
    connections = {
      metric    = "DatabaseConnections"
      compares  = "GreaterThanThreshold"
      threshold = floor(0.7 * local.database_connections)
      missing   = "notBreaching"
      told      = "has more connections than 70 % of those its memory is for; soon it takes no more"
    }
    cpu = {
      metric    = "CPUUtilization"
      compares  = "GreaterThanThreshold"
      threshold = 80
      missing   = "breaching" # a database that reports nothing for so long is not there
      told      = "works at more than 80 % of its CPUs, or is not there at all"
    }
    storage = {
      metric    = "FreeStorageSpace"
      compares  = "LessThanThreshold"
      threshold = 0.1 * var.database_storage_gib * 1024 * 1024 * 1024 # bytes
      missing   = "notBreaching"
      told      = "has little room left on its disk, which did not grow by itself; a full one stops it"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "database" {
  for_each = { for pair in setproduct(local.database_names, keys(local.database_alarms)) : join("-", pair) => { name = pair[0], alarm = local.database_alarms[pair[1]] } }

  alarm_name          = "${local.name}-database-${each.key}"
  alarm_description   = "For 15 minutes: the database ${local.database_identifiers[each.value.name]} ${each.value.alarm.told}. See docs/components/database.md."
  namespace           = "AWS/RDS"
  metric_name         = each.value.alarm.metric
  dimensions          = { DBInstanceIdentifier = aws_db_instance.database[each.value.name].identifier }
  statistic           = "Average"
  comparison_operator = each.value.alarm.compares
  threshold           = each.value.alarm.threshold
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = each.value.alarm.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
