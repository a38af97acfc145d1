output "stamp_image_id" {
  description = "Image new servers are started from."
  value       = local.stamp_image_id
}

output "stamp_version" {
  description = "Version of the image's content; it changes when, and only when, a file of the image does."
  value       = local.stamp_builds ? local.stamp_version : null
}
