# Sessions in memory: a primary that answers everything, and a copy in another zone that
# takes over when it fails.

locals {
  session_cache_created = var.session_cache_url == null
  session_cache_name    = "${local.name}-sessions"
  session_cache_port    = local.session_cache_created ? 6379 : tonumber(split(":", var.session_cache_url)[2])
  session_cache_url     = local.session_cache_created ? "valkeys://${aws_elasticache_replication_group.session_cache[0].primary_endpoint_address}:${local.session_cache_port}" : var.session_cache_url

  # One in each zone of the network, so that whichever zone is lost the others still hold a
  # primary and a copy, or at least the copy.
  session_cache_nodes = coalesce(var.session_cache_nodes, max(2, length(local.network_zones)))

  # ElastiCache numbers its nodes like this; its alarms must know them before they exist.
  session_cache_node_ids = [for number in range(local.session_cache_nodes) : format("%s-%03d", local.session_cache_name, number + 1)]

  # What the application does, and no more: no list of keys, no key of anybody else.
  session_cache_permissions = "on ~session:* -@all +del +eval +exists +expireat +hget +hmget +hset"
}

resource "aws_elasticache_subnet_group" "session_cache" {
  count = local.session_cache_created ? 1 : 0

  name        = local.session_cache_name
  description = "Private subnets, for the sessions of ${local.name}"
  subnet_ids  = [for subnet in aws_subnet.network_private : subnet.id]
}

# When memory is full, the session that has been left alone for longest goes first, as it
# would have ended first. Other policies drop sessions in use, or refuse every new one.
resource "aws_elasticache_parameter_group" "session_cache" {
  count = local.session_cache_created ? 1 : 0

  name        = "${local.session_cache_name}-valkey${split(".", var.session_cache_engine_version)[0]}"
  description = "Sessions of ${local.name}"
  family      = "valkey${split(".", var.session_cache_engine_version)[0]}"

  parameter {
    name  = "maxmemory-policy"
    value = "volatile-ttl"
  }

  lifecycle {
    create_before_destroy = true # the next major version has a family of its own
  }
}

# Servers sign in with their own role. So there is no password: none in Terraform's state,
# none in a setting, none to change.
resource "aws_elasticache_user" "session_cache" {
  count = local.session_cache_created ? 1 : 0

  user_id       = local.session_cache_name
  user_name     = local.session_cache_name # with roles both must be the same
  engine        = "redis"                  # users and groups of this kind serve Valkey as well
  access_string = local.session_cache_permissions

  authentication_mode {
    type = "iam"
  }
}

# Every group must hold a user of this name, the one who did not sign in. Nobody may be it.
resource "aws_elasticache_user" "session_cache_default" {
  count = local.session_cache_created ? 1 : 0

  user_id       = "${local.name}-nobody" # ElastiCache takes 40 characters
  user_name     = "default"
  engine        = "redis"
  access_string = "off -@all"

  authentication_mode {
    type = "no-password-required"
  }
}

resource "aws_elasticache_user_group" "session_cache" {
  count = local.session_cache_created ? 1 : 0

  user_group_id = local.session_cache_name
  engine        = "redis"
  user_ids      = [aws_elasticache_user.session_cache[0].user_id, aws_elasticache_user.session_cache_default[0].user_id]
}

resource "aws_security_group" "session_cache" {
  count = local.session_cache_created ? 1 : 0

  name        = local.session_cache_name
  description = "The sessions of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = local.session_cache_name }
}

# The same two rules for a cache that is made here and for one that is there already.
locals {
  session_cache_group   = local.session_cache_created ? one(aws_security_group.session_cache).id : var.session_cache_security_group_id
  session_cache_clients = { for kind, group in local.setup_security_groups : kind => group if local.session_cache_created || var.session_cache_security_group_id != null }
}

resource "aws_vpc_security_group_ingress_rule" "session_cache" {
  for_each = local.session_cache_clients

  security_group_id            = local.session_cache_group
  description                  = "Sessions, from the servers of ${local.name}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.session_cache_port
  to_port                      = local.session_cache_port
}

resource "aws_vpc_security_group_egress_rule" "session_cache" {
  for_each = local.session_cache_clients

  security_group_id            = each.value
  description                  = "Sessions, to their cache"
  referenced_security_group_id = local.session_cache_group
  ip_protocol                  = "tcp"
  from_port                    = local.session_cache_port
  to_port                      = local.session_cache_port
}

resource "aws_elasticache_replication_group" "session_cache" {
  # checkov:skip=CKV_AWS_191: a key of our own would be given to the same roles, and cost money each month
  count = local.session_cache_created ? 1 : 0

  replication_group_id = local.session_cache_name
  description          = "Sessions of ${local.name}"
  engine               = "valkey"
  engine_version       = var.session_cache_engine_version
  node_type            = var.session_cache_node_type
  parameter_group_name = aws_elasticache_parameter_group.session_cache[0].name
  port                 = local.session_cache_port
  user_group_ids       = [aws_elasticache_user_group.session_cache[0].user_group_id]

  # The first node begins as the primary, so it stands where servers stand.
  automatic_failover_enabled  = true
  multi_az_enabled            = true
  num_cache_clusters          = local.session_cache_nodes
  preferred_cache_cluster_azs = [for number in range(local.session_cache_nodes) : element(local.network_zones, number)]
  security_group_ids          = aws_security_group.session_cache[*].id
  subnet_group_name           = aws_elasticache_subnet_group.session_cache[0].name

  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"

  maintenance_window       = "sun:03:30-sun:04:30"
  snapshot_retention_limit = var.session_cache_backup_days
  snapshot_window          = "02:00-03:00"

  # Patches come by themselves. The next minor version is a decision: if AWS took it, the
  # plan after that would want the older one back, which only a new, empty cache can be.
  auto_minor_version_upgrade = false

  # What was decided in an apply shall be true after it, and not after the next Sunday.
  apply_immediately = true
}

data "aws_iam_policy_document" "session_cache" {
  count = local.session_cache_created ? 1 : 0

  statement {
    sid     = "SignInToTheCache"
    actions = ["elasticache:Connect"]
    resources = [
      aws_elasticache_replication_group.session_cache[0].arn,
      aws_elasticache_user.session_cache[0].arn,
    ]
  }
}

resource "aws_iam_role_policy" "session_cache" {
  for_each = { for kind, role in local.setup_roles : kind => role if local.session_cache_created }

  name   = "session-cache"
  role   = each.value
  policy = data.aws_iam_policy_document.session_cache[0].json
}

resource "aws_ssm_parameter" "session_cache" {
  # checkov:skip=CKV2_AWS_34: a setting, not a secret
  for_each = merge(
    { session_cache_url = local.session_cache_url },
    local.session_cache_created ? { session_cache_name = local.session_cache_name, session_cache_user = local.session_cache_name } : {},
  )

  name  = "${local.setup_settings_path}/${each.key}"
  type  = "String"
  value = each.value
}

# The one place that all servers lean on, and the only one here with a size: somebody must
# hear of it before users do. Each looks at the worst of the nodes.
resource "aws_cloudwatch_metric_alarm" "session_cache" {
  for_each = local.session_cache_created ? {
    cpu = {
      metric    = "EngineCPUUtilization"
      threshold = 80
      minutes   = 10
      told      = "works at more than 80 % of what its one working thread can do"
    }
    evictions = {
      metric    = "Evictions"
      threshold = 0
      minutes   = 1
      told      = "has no memory left and ends sessions before their time"
    }
    memory = {
      metric    = "DatabaseMemoryUsagePercentage"
      threshold = 75
      minutes   = 5
      told      = "has less than a quarter of its memory left"
    }
  } : {}

  alarm_name          = "${local.session_cache_name}-${each.key}"
  alarm_description   = "The session cache ${local.session_cache_name} ${each.value.told}. See docs/components/session_cache.md."
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "notBreaching" # a node that is being replaced reports nothing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "worst"
    label       = each.value.metric
    expression  = "MAX([${join(", ", [for number in range(local.session_cache_nodes) : "node${number + 1}"])}])"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { for number, id in local.session_cache_node_ids : "node${number + 1}" => id }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ElastiCache"
        metric_name = each.value.metric
        dimensions  = { CacheClusterId = metric_query.value }
        period      = 60
        stat        = "Maximum"
      }
    }
  }
}
