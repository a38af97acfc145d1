output "web_storage_publish" {
  description = "What `scripts/publish.py` asks for: the bucket, the distribution, the address, and how long copies live."
  value = {
    bucket       = aws_s3_bucket.object_storage["content"].id
    distribution = aws_cloudfront_distribution.edge.id
    seconds      = var.web_storage_media_seconds
    url          = local.web_storage_url
  }
}

output "web_storage_url" {
  description = "Address below which files are found, without a slash at its end."
  value       = local.web_storage_url
}
