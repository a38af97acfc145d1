mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "a_page_is_never_kept_at_the_edge" {
  command = plan

  assert {
    condition     = aws_cloudfront_distribution.edge.default_cache_behavior[0].cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    error_message = "the default behaviour caches, by policy ${aws_cloudfront_distribution.edge.default_cache_behavior[0].cache_policy_id}"
  }

  assert {
    condition     = aws_cloudfront_distribution.edge.default_cache_behavior[0].origin_request_policy_id == "216adef6-5c7f-47e4-b989-5492eafa07d3"
    error_message = "cookies or query strings do not reach the origin"
  }
}

run "an_error_meant_for_one_is_not_given_to_others" {
  command = plan

  assert {
    condition     = { for kept in aws_cloudfront_distribution.edge.custom_error_response : tostring(kept.error_code) => kept.error_caching_min_ttl } == { for code in [400, 403, 404, 405, 414, 500, 501, 502, 503, 504] : tostring(code) => 0 }
    error_message = "CloudFront keeps answers that are errors"
  }
}

run "access_logs_come_and_go" {
  variables {
    edge_log_days = 7
  }

  assert {
    condition     = aws_cloudwatch_log_delivery_source.edge.resource_arn == aws_cloudfront_distribution.edge.arn && aws_cloudwatch_log_delivery_source.edge.log_type == "ACCESS_LOGS" && aws_cloudwatch_log_delivery.edge.delivery_source_name == aws_cloudwatch_log_delivery_source.edge.name
    error_message = "nobody writes down who asked for what"
  }

  assert {
    condition     = aws_cloudwatch_log_delivery_destination.edge.delivery_destination_configuration[0].destination_resource_arn == aws_s3_bucket.edge_logs.arn && aws_cloudwatch_log_delivery.edge.delivery_destination_arn == aws_cloudwatch_log_delivery_destination.edge.arn
    error_message = "logs go elsewhere"
  }

  assert {
    condition     = one(one(aws_s3_bucket_lifecycle_configuration.edge_logs.rule).expiration).days == 7
    error_message = "logs are kept for another time"
  }

  assert {
    condition     = flatten([for statement in data.aws_iam_policy_document.edge_logs.statement : statement.actions if statement.effect != "Deny"]) == ["s3:PutObject"]
    error_message = "whoever delivers logs may do more than write them"
  }
}

run "every_behaviour_is_encrypted_and_guarded" {
  assert {
    condition = alltrue([
      for behavior in concat(aws_cloudfront_distribution.edge.default_cache_behavior, aws_cloudfront_distribution.edge.ordered_cache_behavior) :
      behavior.viewer_protocol_policy == "redirect-to-https" && contains(["67f7725c-6f97-4210-82d7-5512b31e9d03"], behavior.response_headers_policy_id)
    ])
    error_message = "a behaviour serves plain HTTP, or answers without security headers"
  }
}

run "what_is_cached_forgets_who_asked" {
  assert {
    condition = alltrue([
      for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior :
      behavior.cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" || !contains(behavior.allowed_methods, "POST") && try(length(behavior.origin_request_policy_id), 0) == 0
    ])
    error_message = "a cached behaviour takes POST, or passes on more than its cache key"
  }
}

run "every_behaviour_has_its_origin" {
  assert {
    condition = length(setsubtract(
      [for behavior in concat(aws_cloudfront_distribution.edge.default_cache_behavior, aws_cloudfront_distribution.edge.ordered_cache_behavior) : behavior.target_origin_id],
      [for origin in aws_cloudfront_distribution.edge.origin : origin.origin_id],
    )) == 0
    error_message = "a behaviour names an origin that is not there"
  }
}

run "no_path_is_answered_twice" {
  assert {
    condition     = length(distinct([for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern])) == length(aws_cloudfront_distribution.edge.ordered_cache_behavior)
    error_message = "CloudFront refuses two behaviours of one path"
  }
}

run "the_edge_speaks_what_browsers_speak" {
  command = plan

  assert {
    condition     = aws_cloudfront_distribution.edge.http_version == "http2and3" && aws_cloudfront_distribution.edge.is_ipv6_enabled
    error_message = "HTTP/3 or IPv6 is off"
  }
}

run "the_alarm_has_a_topic_in_its_own_region" {
  variables {
    region       = "eu-central-1"
    alarms_email = "ops@example.com"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.edge_errors.alarm_actions == toset([aws_sns_topic.edge_alarms[0].arn]) && length(aws_sns_topic_subscription.edge_alarms_email) == 1
    error_message = "an alarm in us-east-1 does not reach the mail address"
  }
}

run "in_us_east_1_the_common_topic_does" {
  variables {
    region       = "us-east-1"
    alarms_email = "ops@example.com"
  }

  assert {
    condition     = length(aws_sns_topic.edge_alarms) == 0 && length(aws_sns_topic_subscription.edge_alarms_email) == 0 && aws_cloudwatch_metric_alarm.edge_errors.alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "there are two topics in one Region"
  }
}

run "an_alarm_that_cannot_go_off_is_refused" {
  command = plan

  variables {
    edge_error_percent = 100
  }

  expect_failures = [var.edge_error_percent]
}

run "logs_that_are_gone_at_once_are_refused" {
  command = plan

  variables {
    edge_log_days = 0
  }

  expect_failures = [var.edge_log_days]
}

run "an_unknown_price_class_is_refused" {
  command = plan

  variables {
    edge_price_class = "PriceClass_300"
  }

  expect_failures = [var.edge_price_class]
}
