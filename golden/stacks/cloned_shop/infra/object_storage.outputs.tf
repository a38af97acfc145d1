output "object_storage_buckets" {
  description = "Name of each bucket, under what it is for."
  value       = { for id, bucket in aws_s3_bucket.object_storage : id => bucket.id }
}
