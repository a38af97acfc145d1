output "snapshot_disk" {
  description = "The disk that is copied every day: its server and zone, and the name of each of its volumes, which its copies have too."
  value = {
    mount_point = local.snapshot_mount_point
    region      = data.aws_region.current.id
    server      = aws_instance.standalone_server["main"].id
    volumes     = { for key, volume in aws_ebs_volume.ondemand_disk : key => volume.tags["Name"] }
    zone        = local.standalone_server_zone
  }
}

output "snapshot_role_arn" {
  description = "Role that AWS Backup copies with, for a copy out of turn."
  value       = aws_iam_role.snapshot.arn
}

output "snapshot_vaults" {
  description = "Vault of each rule of AWS Backup."
  value       = { for rule, vault in aws_backup_vault.snapshot : rule => vault.name }
}
