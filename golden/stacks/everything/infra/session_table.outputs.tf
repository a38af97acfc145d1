output "session_table_name" {
  description = "Table that holds the sessions."
  value       = aws_dynamodb_table.session_table.name
}
