mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "static_files_are_kept_and_nothing_else" {
  variables {
    cache_distribution_static_paths = ["/pictures/*"]
  }

  assert {
    condition     = [for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern if behavior.cache_policy_id == aws_cloudfront_cache_policy.cache_distribution.id] == ["/pictures/*"]
    error_message = "cached paths: ${join(", ", [for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern])}"
  }
}

run "by_itself_the_application_s_static_files_are_kept" {
  command = plan

  assert {
    condition     = var.cache_distribution_static_paths == tolist(["/static/*"]) && contains([for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern], "/static/*")
    error_message = "static files are fetched anew for each user"
  }
}

run "a_copy_does_not_depend_on_who_asked" {
  command = plan

  assert {
    condition = alltrue([
      for key in aws_cloudfront_cache_policy.cache_distribution.parameters_in_cache_key_and_forwarded_to_origin :
      key.cookies_config[0].cookie_behavior == "none" && key.headers_config[0].header_behavior == "none" && key.query_strings_config[0].query_string_behavior == "none"
    ])
    error_message = "cookies, headers or query strings are part of the cache key"
  }

  assert {
    condition     = aws_cloudfront_cache_policy.cache_distribution.min_ttl == 0
    error_message = "the edge keeps what says no-store for ${aws_cloudfront_cache_policy.cache_distribution.min_ttl} s"
  }
}

run "times_reach_the_edge" {
  command = plan

  variables {
    cache_distribution_edge_seconds = 3600
    cache_distribution_max_seconds  = 7200
  }

  assert {
    condition     = aws_cloudfront_cache_policy.cache_distribution.default_ttl == 3600 && aws_cloudfront_cache_policy.cache_distribution.max_ttl == 7200
    error_message = "the edge keeps files for ${aws_cloudfront_cache_policy.cache_distribution.default_ttl} s, at most ${aws_cloudfront_cache_policy.cache_distribution.max_ttl} s"
  }
}

run "more_paths_are_kept_in_their_order" {
  command = plan

  variables {
    cache_distribution_static_paths = ["/pictures/*", "/fonts/*"]
  }

  assert {
    condition     = [for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern if contains(["/pictures/*", "/fonts/*"], behavior.path_pattern)] == ["/pictures/*", "/fonts/*"]
    error_message = "cached paths: ${join(", ", [for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern])}"
  }
}

run "keeping_every_page_is_refused" {
  command = plan

  variables {
    cache_distribution_static_paths = ["/*"]
  }

  expect_failures = [var.cache_distribution_static_paths]
}

run "a_path_named_twice_is_refused" {
  command = plan

  variables {
    cache_distribution_static_paths = ["/static/*", "/static/*"]
  }

  expect_failures = [var.cache_distribution_static_paths]
}

run "an_edge_that_keeps_for_longer_than_the_most_is_refused" {
  command = plan

  variables {
    cache_distribution_edge_seconds = 7200
    cache_distribution_max_seconds  = 3600
  }

  expect_failures = [var.cache_distribution_edge_seconds]
}

run "two_years_are_refused" {
  command = plan

  variables {
    cache_distribution_max_seconds = 63072000
  }

  expect_failures = [var.cache_distribution_max_seconds]
}
