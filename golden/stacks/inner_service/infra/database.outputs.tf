output "database_endpoints" {
  description = "Where each database is, as host:port."
  value       = { for name, database in aws_db_instance.database : name => "${database.address}:${database.port}" }
}

output "database_identifiers" {
  description = "What RDS calls each database."
  value       = { for name, database in aws_db_instance.database : name => database.identifier }
}

output "database_secret_arns" {
  description = "Secrets that hold user and password of each database."
  value       = { for name, database in aws_db_instance.database : name => database.master_user_secret[0].secret_arn }
}
