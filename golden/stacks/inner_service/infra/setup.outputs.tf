output "setup_bucket" {
  description = "Bucket the setup bundle is fetched from."
  value       = aws_s3_bucket.setup.bucket
}

output "setup_bundle" {
  description = "The bundle a new server fetches: its key, its version and its SHA-256."
  value = {
    key     = aws_s3_object.setup.key
    sha256  = sha256(local.setup_bundle)
    version = aws_s3_object.setup.version_id
  }
}

output "setup_settings_path" {
  description = "Path in Parameter Store that holds the application's settings."
  value       = local.setup_settings_path
}
