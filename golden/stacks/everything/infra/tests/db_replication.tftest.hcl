mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "every_database_has_a_standby_in_another_zone" {
  assert {
    condition     = length(aws_db_instance.database) >= 1 && alltrue([for database in aws_db_instance.database : database.multi_az])
    error_message = "without a standby: ${join(", ", [for name, database in aws_db_instance.database : name if !database.multi_az])}"
  }

  assert {
    condition     = length(output.db_replication_zones) >= 2 && toset(output.db_replication_zones) == toset(local.network_zones)
    error_message = "database and standby could share a zone: ${join(", ", output.db_replication_zones)}"
  }

  assert {
    condition     = aws_db_subnet_group.database.subnet_ids == toset([for subnet in aws_subnet.network_private : subnet.id])
    error_message = "the standby cannot stand in every zone of the network"
  }

  assert {
    condition     = alltrue([for database in aws_db_instance.database : database.storage_encrypted && database.deletion_protection && database.backup_retention_period >= 1])
    error_message = "a standby is no backup: what is deleted is deleted there too"
  }
}

run "somebody_hears_of_a_failover" {
  assert {
    condition     = aws_db_event_subscription.db_replication.sns_topic == aws_sns_topic.alarms.arn && contains(aws_db_event_subscription.db_replication.event_categories, "failover")
    error_message = "a failover would happen unheard"
  }

  assert {
    condition     = toset(aws_db_event_subscription.db_replication.source_ids) == toset(values(output.database_identifiers))
    error_message = "of a failover of some databases nobody would hear"
  }
}
