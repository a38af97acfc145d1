# Buckets, one for each use: private, encrypted and versioned, all alike. A bucket has one
# policy, one lifecycle and one list of origins, so what the parts of the system want of it is
# put together here.

locals {
  object_storage_buckets = {
    content = "files that users get from the edge"
  }

  # Who besides roles of this account may do something, and what nobody may.
  object_storage_policies = {
    content = [data.aws_iam_policy_document.storage_origin.json]
  }
}

resource "aws_s3_bucket" "object_storage" {
  for_each = local.object_storage_buckets

  # S3 takes 37 characters before the end that makes the name the only one in the world.
  bucket_prefix = "${trimsuffix(substr("${local.name}-${replace(each.key, "_", "-")}", 0, 36), "-")}-"
  force_destroy = var.object_storage_force_destroy

  tags = { Purpose = each.value }
}

resource "aws_s3_bucket_public_access_block" "object_storage" {
  for_each = aws_s3_bucket.object_storage

  bucket = each.value.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Whoever writes an object, the bucket's owner has it: there are no access lists.
resource "aws_s3_bucket_ownership_controls" "object_storage" {
  for_each = aws_s3_bucket.object_storage

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "object_storage" {
  for_each = aws_s3_bucket.object_storage

  bucket = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# An object that is overwritten or deleted can be brought back for a while. Whoever writes
# objects takes the bucket's name from here: one that is older than versioning has no version.
resource "aws_s3_bucket_versioning" "object_storage" {
  for_each = aws_s3_bucket.object_storage

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "object_storage" {
  for_each = aws_s3_bucket_versioning.object_storage

  bucket = each.value.bucket

  rule {
    id     = "forget-what-was-replaced"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.object_storage_keep_days
    }

    # Where a deleted object has no version left, the mark that it was deleted goes too.
    expiration {
      expired_object_delete_marker = true
    }

    # Parts of an upload that broke off cost like an object, and nobody sees them.
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

data "aws_iam_policy_document" "object_storage" {
  for_each = aws_s3_bucket.object_storage

  source_policy_documents = lookup(local.object_storage_policies, each.key, [])

  statement {
    sid       = "EncryptedConnectionsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "object_storage" {
  for_each = aws_s3_bucket.object_storage

  bucket = each.value.id
  policy = data.aws_iam_policy_document.object_storage[each.key].json

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.object_storage]
}
