# The bucket `content` is read by this system's distribution and by nobody else: CloudFront
# signs each request, and the bucket asks which distribution it comes from.

locals {
  # What it answers for, where others answer for all else.
  storage_origin_paths = local.web_storage_paths

  # Policies AWS keeps; their ids are the same in every account. Files are the same for
  # everybody, pages of other hosts may use them too, and `Cache-Control` says for how long.
  storage_origin_caching = "658327ea-f89d-4fab-a63d-7e88639e58f6" # CachingOptimized
  storage_origin_headers = "e61eb60c-9c35-4d20-a928-2b84e02af89c" # CORS-and-SecurityHeadersPolicy
}

resource "aws_cloudfront_origin_access_control" "storage_origin" {
  name                              = "${local.name}-content"
  description                       = "Requests of the distribution to the bucket of ${local.name}"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# Read, and no more: who may not list a bucket learns of no file but by its name.
data "aws_iam_policy_document" "storage_origin" {
  statement {
    sid       = "ReadByThisDistribution"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.object_storage["content"].arn}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "AWS:SourceArn"
      values   = [aws_cloudfront_distribution.edge.arn]
    }
  }
}
