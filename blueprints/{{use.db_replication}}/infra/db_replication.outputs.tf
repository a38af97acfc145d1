output "db_replication_zones" {
  description = "Zones that a database and its standby stand in, each in another one."
  value       = sort(distinct([for subnet in aws_subnet.network_private : subnet.availability_zone]))
}
