variable "session_table_deletion_protection" {
  type        = bool
  description = "Whether DynamoDB refuses to delete the table; without the table every user is logged out."
  default     = true
}

variable "session_table_point_in_time_recovery" {
  type        = bool
  description = "Whether the table can be restored as it was at any second of the last 35 days; costs by the size of the table. Sessions that ended are kept in these backups too."
  default     = true
}
