output "ondemand_disk_mount_point" {
  description = "Folder of the data disk on the server."
  value       = one(local.ondemand_disk_metric.resources)
}

output "ondemand_disk_volume_ids" {
  description = "Volumes of the data disk."
  value       = [for volume in aws_ebs_volume.ondemand_disk : volume.id]
}
