mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_cache_is_encrypted_everywhere" {
  command = plan

  assert {
    condition     = alltrue([for cache in aws_elasticache_replication_group.session_cache : cache.at_rest_encryption_enabled && cache.transit_encryption_enabled && cache.transit_encryption_mode == "required"])
    error_message = "sessions could be read on the way or on a disk"
  }

  assert {
    condition     = startswith(nonsensitive(aws_ssm_parameter.session_cache["session_cache_user"].value), local.name)
    error_message = "the application does not know whom to sign in as"
  }
}

run "the_application_is_told_the_primary" {
  assert {
    condition = { for name, parameter in aws_ssm_parameter.session_cache : parameter.name => nonsensitive(parameter.value) } == {
      "/${var.project}/${var.environment}/app/session_cache_name" = aws_elasticache_replication_group.session_cache[0].replication_group_id
      "/${var.project}/${var.environment}/app/session_cache_url"  = "valkeys://master.mock.abc123.euc1.cache.amazonaws.com:6379"
      "/${var.project}/${var.environment}/app/session_cache_user" = aws_elasticache_user.session_cache[0].user_name
    }
    error_message = "the application would look elsewhere, or for somebody else"
  }
}

run "the_cache_outlives_a_zone" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.session_cache[0].automatic_failover_enabled && aws_elasticache_replication_group.session_cache[0].multi_az_enabled
    error_message = "nobody takes over from a failed primary"
  }

  assert {
    condition     = aws_elasticache_replication_group.session_cache[0].num_cache_clusters == max(2, length(local.network_zones))
    error_message = "${aws_elasticache_replication_group.session_cache[0].num_cache_clusters} nodes in ${length(local.network_zones)} zones"
  }

  assert {
    condition     = length(distinct(aws_elasticache_replication_group.session_cache[0].preferred_cache_cluster_azs)) == local.session_cache_nodes && aws_elasticache_replication_group.session_cache[0].preferred_cache_cluster_azs[0] == local.network_zones[0]
    error_message = "nodes share a zone, or the primary stands far from the servers"
  }
}

run "the_cache_stands_in_private_subnets" {
  assert {
    condition     = aws_elasticache_subnet_group.session_cache[0].subnet_ids == toset([for subnet in aws_subnet.network_private : subnet.id])
    error_message = "the cache stands in ${join(", ", aws_elasticache_subnet_group.session_cache[0].subnet_ids)}"
  }
}

run "only_servers_reach_the_cache" {
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.session_cache : rule.security_group_id == aws_security_group.session_cache[0].id]) && { for kind, rule in aws_vpc_security_group_ingress_rule.session_cache : kind => rule.referenced_security_group_id } == local.setup_security_groups
    error_message = "the cache is open to somebody else"
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.session_cache : rule.referenced_security_group_id == aws_security_group.session_cache[0].id]) && { for kind, rule in aws_vpc_security_group_egress_rule.session_cache : kind => rule.security_group_id } == local.setup_security_groups
    error_message = "servers may speak to something else than the cache"
  }

  assert {
    condition     = aws_elasticache_replication_group.session_cache[0].security_group_ids == toset([aws_security_group.session_cache[0].id])
    error_message = "the cache stands in another group"
  }
}

run "servers_sign_in_with_their_role_and_do_what_they_need" {
  assert {
    condition     = aws_elasticache_user.session_cache[0].authentication_mode[0].type == "iam" && aws_elasticache_user.session_cache[0].user_id == aws_elasticache_user.session_cache[0].user_name
    error_message = "servers would need a password"
  }

  assert {
    condition     = startswith(aws_elasticache_user.session_cache[0].access_string, "on ~session:* -@all ") && length(regexall("\\+@|~\\*|allkeys", aws_elasticache_user.session_cache[0].access_string)) == 0
    error_message = "servers may do anything to any key"
  }

  assert {
    condition     = aws_elasticache_user.session_cache_default[0].access_string == "off -@all" && aws_elasticache_user.session_cache_default[0].user_name == "default"
    error_message = "who does not sign in is let in"
  }

  assert {
    condition     = aws_elasticache_user_group.session_cache[0].user_ids == toset([aws_elasticache_user.session_cache[0].user_id, aws_elasticache_user.session_cache_default[0].user_id])
    error_message = "somebody else may sign in"
  }

  assert {
    condition     = one(data.aws_iam_policy_document.session_cache[0].statement).actions == toset(["elasticache:Connect"]) && one(data.aws_iam_policy_document.session_cache[0].statement).resources == toset([aws_elasticache_replication_group.session_cache[0].arn, aws_elasticache_user.session_cache[0].arn])
    error_message = "the servers' role may do more than to sign in to this cache as this user"
  }

  assert {
    condition     = contains(split("\n", file("../app/src/app/session_stores/valkey.py")), "PREFIX = \"${regex("~([a-z]+:)", local.session_cache_permissions)[0]}\"")
    error_message = "the application writes other keys than it may"
  }
}

run "a_full_cache_drops_what_ends_first" {
  command = plan

  assert {
    condition     = [for parameter in aws_elasticache_parameter_group.session_cache[0].parameter : parameter.value if parameter.name == "maxmemory-policy"] == ["volatile-ttl"]
    error_message = "a full cache would drop sessions in use, or refuse new ones"
  }
}

run "the_worst_node_is_told" {
  command = plan

  variables {
    session_cache_nodes = 3
  }

  assert {
    condition     = join(" ", keys(aws_cloudwatch_metric_alarm.session_cache)) == "cpu evictions memory"
    error_message = "alarms: ${join(", ", keys(aws_cloudwatch_metric_alarm.session_cache))}"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.session_cache :
      toset([for query in alarm.metric_query : query.metric[0].dimensions.CacheClusterId if length(query.metric) > 0]) == toset([for number in ["001", "002", "003"] : "${local.name}-sessions-${number}"])
      && [for query in alarm.metric_query : query.expression if length(query.metric) == 0] == ["MAX([node1, node2, node3])"]
    ])
    error_message = "an alarm leaves a node out"
  }
}

run "a_major_version_brings_its_own_parameters" {
  command = plan

  variables {
    session_cache_engine_version = "9.0"
  }

  assert {
    condition     = aws_elasticache_parameter_group.session_cache[0].family == "valkey9" && aws_elasticache_parameter_group.session_cache[0].name == "${local.name}-sessions-valkey9"
    error_message = "parameters are of family ${aws_elasticache_parameter_group.session_cache[0].family}"
  }
}

run "a_cache_that_is_there_already_is_used" {
  command = plan

  variables {
    session_cache_url               = "valkeys://cache.example.com:6380"
    session_cache_security_group_id = "sg-0123456789abcdef0"
  }

  assert {
    condition     = length(aws_elasticache_replication_group.session_cache) + length(aws_elasticache_user.session_cache) + length(aws_elasticache_user_group.session_cache) + length(aws_security_group.session_cache) + length(aws_iam_role_policy.session_cache) + length(aws_cloudwatch_metric_alarm.session_cache) == 0
    error_message = "a cache is made although there is one"
  }

  assert {
    condition     = { for name, parameter in aws_ssm_parameter.session_cache : name => nonsensitive(parameter.value) } == { session_cache_url = "valkeys://cache.example.com:6380" }
    error_message = "the application is told something else"
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.session_cache) == keys(local.setup_roles) && alltrue([for rule in aws_vpc_security_group_egress_rule.session_cache : rule.to_port == 6380]) && alltrue([for rule in aws_vpc_security_group_ingress_rule.session_cache : rule.security_group_id == "sg-0123456789abcdef0"])
    error_message = "servers are not let through to the cache"
  }
}

run "a_cache_on_the_same_machine_needs_no_rule" {
  command = plan

  variables {
    session_cache_url = "valkey://127.0.0.1:6379"
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.session_cache) + length(aws_vpc_security_group_ingress_rule.session_cache) == 0
    error_message = "a rule is made for no group"
  }
}

run "a_cache_without_encryption_is_refused" {
  command = plan

  variables {
    session_cache_url = "valkey://cache.example.com:6379"
  }

  expect_failures = [var.session_cache_url]
}

run "a_password_in_the_address_is_refused" {
  command = plan

  variables {
    session_cache_url = "valkeys://user:secret@cache.example.com:6379"
  }

  expect_failures = [var.session_cache_url]
}

run "a_group_of_no_cache_is_refused" {
  command = plan

  variables {
    session_cache_security_group_id = "sg-0123456789abcdef0"
  }

  expect_failures = [var.session_cache_security_group_id]
}

run "a_name_instead_of_a_group_id_is_refused" {
  command = plan

  variables {
    session_cache_url               = "valkeys://cache.example.com:6379"
    session_cache_security_group_id = "cache"
  }

  expect_failures = [var.session_cache_security_group_id]
}

run "a_single_node_is_refused" {
  command = plan

  variables {
    session_cache_nodes = 1
  }

  expect_failures = [var.session_cache_nodes]
}

run "a_patch_version_is_refused" {
  command = plan

  variables {
    session_cache_engine_version = "8.1.2"
  }

  expect_failures = [var.session_cache_engine_version]
}

run "a_server_type_is_refused" {
  command = plan

  variables {
    session_cache_node_type = "t4g.small"
  }

  expect_failures = [var.session_cache_node_type]
}

run "backups_for_a_year_are_refused" {
  command = plan

  variables {
    session_cache_backup_days = 365
  }

  expect_failures = [var.session_cache_backup_days]
}
