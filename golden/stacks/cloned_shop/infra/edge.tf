# One distribution for the whole system. Users speak to an edge location near them;
# what may be cached is answered there, everything else is passed on to its origin.

locals {
  # Policies AWS keeps; their ids are the same in every account.
  edge_caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" # CachingDisabled
  edge_all_viewer       = "216adef6-5c7f-47e4-b989-5492eafa07d3" # AllViewer
  edge_security_headers = "67f7725c-6f97-4210-82d7-5512b31e9d03" # SecurityHeadersPolicy

  # CloudFront reports to us-east-1 only, and an alarm speaks to a topic of its own Region.
  edge_alarms_topic_arn = one(concat(aws_sns_topic.edge_alarms[*].arn, var.region == "us-east-1" ? [aws_sns_topic.alarms.arn] : []))
}

resource "aws_cloudfront_distribution" "edge" {
  # checkov:skip=CKV_AWS_68,CKV2_AWS_47: a web ACL is tuned to one application and costs money by the month and the request
  # checkov:skip=CKV_AWS_86: its requests are logged, by the log delivery below
  # checkov:skip=CKV_AWS_174: under CloudFront's own name it has CloudFront's certificate, and CloudFront decides on the versions of TLS
  # checkov:skip=CKV_AWS_305: the origin answers for the root as for every other page
  # checkov:skip=CKV_AWS_310: an origin is not one machine, it fails over by itself
  # checkov:skip=CKV_AWS_374: where users may be is for the owner of the system to say
  # checkov:skip=CKV2_AWS_32: every behavior has SecurityHeadersPolicy, named by its id
  aliases             = local.edge_names
  comment             = local.name
  enabled             = true
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = var.edge_price_class
  wait_for_deployment = var.edge_wait_for_deployment

  origin {
    origin_id   = "servers"
    domain_name = local.load_balancer_address

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = lower("${local.load_balancer_protocol}-only")
      origin_ssl_protocols   = ["TLSv1.2"]
    }

    custom_header {
      name  = local.edge_entry_header
      value = local.edge_entry_sent
    }
  }

  origin {
    origin_id                = "content"
    domain_name              = aws_s3_bucket.object_storage["content"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.storage_origin.id
  }

  # Pages may be personal: each request goes to the origin, with all the viewer sent.
  default_cache_behavior {
    target_origin_id           = "servers"
    allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    cache_policy_id            = local.edge_caching_disabled
    origin_request_policy_id   = local.edge_all_viewer
    response_headers_policy_id = local.edge_security_headers
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.storage_origin_paths

    content {
      path_pattern               = ordered_cache_behavior.value
      target_origin_id           = "content"
      allowed_methods            = ["GET", "HEAD", "OPTIONS"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      viewer_protocol_policy     = "redirect-to-https"
      cache_policy_id            = local.storage_origin_caching
      response_headers_policy_id = local.storage_origin_headers
    }
  }

  # Of these CloudFront by itself keeps an answer for ten seconds and gives it to all who ask,
  # most of them even where it says `no-store`. It may have been meant for one person.
  dynamic "custom_error_response" {
    for_each = toset([400, 403, 404, 405, 414, 500, 501, 502, 503, 504])

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn            = local.edge_certificate
    cloudfront_default_certificate = length(local.edge_names) == 0
    minimum_protocol_version       = length(local.edge_names) == 0 ? null : "TLSv1.2_2021"
    ssl_support_method             = length(local.edge_names) == 0 ? null : "sni-only"
  }

  # CloudFront must not ask an origin for what it does not know yet.
  depends_on = [
    aws_lb_listener_rule.edge_entry,
  ]
}

# Who asked for what, and which edge location answered: no origin sees what is answered there.
resource "aws_s3_bucket" "edge_logs" {
  # checkov:skip=CKV_AWS_18,CKV_AWS_21,CKV_AWS_144,CKV2_AWS_62: what AWS writes once and lets expire needs no older versions, copies or notices, and logs of logs have no end
  # checkov:skip=CKV_AWS_145: a key of our own would be given to the same roles, and cost money each month
  # S3 takes 37 characters before the end that makes the name the only one in the world.
  bucket_prefix = "${substr("${local.name}-edge-logs", 0, 36)}-"
  force_destroy = true # whoever may take the distribution away may take its logs away
}

resource "aws_s3_bucket_public_access_block" "edge_logs" {
  bucket = aws_s3_bucket.edge_logs.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "edge_logs" {
  bucket = aws_s3_bucket.edge_logs.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "edge_logs" {
  bucket = aws_s3_bucket.edge_logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "edge_logs" {
  bucket = aws_s3_bucket.edge_logs.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.edge_log_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "edge_logs" {
  statement {
    sid       = "LogsOfThisDistribution"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.edge_logs.arn}/AWSLogs/${data.aws_caller_identity.current.account_id}/*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_log_delivery_source.edge.arn]
    }
  }

  statement {
    sid       = "NothingUnencrypted"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.edge_logs.arn, "${aws_s3_bucket.edge_logs.arn}/*"]

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

resource "aws_s3_bucket_policy" "edge_logs" {
  bucket = aws_s3_bucket.edge_logs.id
  policy = data.aws_iam_policy_document.edge_logs.json

  # S3 refuses changes to a bucket's policy and to its public access block at one time.
  depends_on = [aws_s3_bucket_public_access_block.edge_logs]
}

# CloudFront hands its logs over in us-east-1; the bucket may stand in any Region.
resource "aws_cloudwatch_log_delivery_source" "edge" {
  provider = aws.us_east_1

  name         = "${local.name}-edge"
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.edge.arn
}

resource "aws_cloudwatch_log_delivery_destination" "edge" {
  provider = aws.us_east_1

  name          = "${local.name}-edge"
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = aws_s3_bucket.edge_logs.arn
  }
}

resource "aws_cloudwatch_log_delivery" "edge" {
  provider = aws.us_east_1

  delivery_source_name     = aws_cloudwatch_log_delivery_source.edge.name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.edge.arn

  depends_on = [aws_s3_bucket_policy.edge_logs]
}

resource "aws_sns_topic" "edge_alarms" {
  # checkov:skip=CKV_AWS_26: not encrypted for the same reason as aws_sns_topic.alarms
  provider = aws.us_east_1
  count    = var.region == "us-east-1" ? 0 : 1

  name = "${local.name}-edge-alarms"
}

resource "aws_sns_topic_subscription" "edge_alarms_email" {
  provider = aws.us_east_1
  count    = var.alarms_email == null ? 0 : length(aws_sns_topic.edge_alarms)

  topic_arn = aws_sns_topic.edge_alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarms_email
}

resource "aws_cloudwatch_metric_alarm" "edge_errors" {
  provider = aws.us_east_1

  alarm_name          = "${local.name}-edge-errors"
  alarm_description   = "More than ${var.edge_error_percent} % of what users asked for ended in a 5xx error for five minutes. If the origin itself is well, CloudFront cannot reach it."
  namespace           = "AWS/CloudFront"
  metric_name         = "5xxErrorRate"
  dimensions          = { DistributionId = aws_cloudfront_distribution.edge.id, Region = "Global" }
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.edge_error_percent
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching" # no requests, no errors
  alarm_actions       = [local.edge_alarms_topic_arn]
  ok_actions          = [local.edge_alarms_topic_arn]
}
