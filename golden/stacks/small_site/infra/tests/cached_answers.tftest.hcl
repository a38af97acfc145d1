mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "times_reach_the_application" {
  command = plan

  variables {
    cached_answers_browser_seconds = 60
    cached_answers_edge_seconds    = 3600
    cached_answers_page_seconds    = 0
  }

  assert {
    condition = { for parameter in aws_ssm_parameter.cached_answers : parameter.name => nonsensitive(parameter.value) } == {
      "/${var.project}/${var.environment}/app/cache_edge_seconds" = "3600"
      "/${var.project}/${var.environment}/app/cache_page_seconds" = "0"
      "/${var.project}/${var.environment}/app/public_scheme"      = "https"
      "/${var.project}/${var.environment}/app/static_max_age"     = "60"
    }
    error_message = "the application is told something else"
  }
}

run "a_browser_that_keeps_a_file_for_a_month_is_refused" {
  command = plan

  variables {
    cached_answers_browser_seconds = 2592000
  }

  expect_failures = [var.cached_answers_browser_seconds]
}

run "a_page_kept_for_an_hour_is_refused" {
  command = plan

  variables {
    cached_answers_page_seconds = 3600
  }

  expect_failures = [var.cached_answers_page_seconds]
}

run "two_years_at_the_edge_are_refused" {
  command = plan

  variables {
    cached_answers_edge_seconds = 63072000
  }

  expect_failures = [var.cached_answers_edge_seconds]
}
