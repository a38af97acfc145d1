mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "each_database_is_paid_for_once" {
  command = plan

  assert {
    condition     = alltrue([for database in aws_db_instance.database : !database.multi_az])
    error_message = "a standby is paid for that nobody asked for"
  }

  assert {
    condition     = alltrue([for database in aws_db_instance.database : database.backup_retention_period >= 1])
    error_message = "a database that is lost could not be restored at all"
  }
}
