output "nfs_sharing_access_point_id" {
  description = "Access point through which servers mount the share."
  value       = aws_efs_access_point.nfs_sharing.id
}

output "nfs_sharing_file_system_id" {
  description = "File system that all servers share."
  value       = aws_efs_file_system.nfs_sharing.id
}

output "nfs_sharing_restored_access_point_id" {
  description = "Access point to restored files, while nfs_sharing_restored_folder is set."
  value       = one(aws_efs_access_point.nfs_sharing_restored[*].id)
}

output "nfs_sharing_zones" {
  description = "Zones in which the share has an address."
  value       = keys(aws_efs_mount_target.nfs_sharing)
}
