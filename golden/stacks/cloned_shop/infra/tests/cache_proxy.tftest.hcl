mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "proxies_are_told_how_to_keep_answers" {
  variables {
    cache_proxy_ignored_cookies = ["_ga*", "theme"]
    cache_proxy_ttl_seconds     = 5
  }

  assert {
    condition = alltrue([for line in [
      "export CACHE_GRACE_SECONDS='3600'",
      "export CACHE_HEALTH='/health'",
      "export CACHE_IGNORED_COOKIES='_ga[^=;]*|theme'",
      "export CACHE_MEMORY_PERCENT='50'",
      "export CACHE_TTL_SECONDS='5'",
    ] : strcontains(local.setup_user_data["proxies"], "\n${line}\n")])
    error_message = "a proxy is told otherwise: ${local.setup_user_data["proxies"]}"
  }

  assert {
    condition     = !strcontains(local.setup_user_data["servers"], "CACHE_")
    error_message = "web servers are told how to keep answers"
  }
}

run "proxies_may_be_told_and_may_read_nothing" {
  assert {
    condition     = aws_iam_role_policy.cache_proxy.role == aws_iam_role.proxies.id && alltrue([for statement in data.aws_iam_policy_document.cache_proxy.statement : alltrue([for action in statement.actions : startswith(action, "ec2messages:")])])
    error_message = "the proxies may do more than be told"
  }
}

run "an_answer_for_a_month_is_refused" {
  command = plan

  variables {
    cache_proxy_ttl_seconds = 2592000
  }

  expect_failures = [var.cache_proxy_ttl_seconds]
}

run "no_grace_at_all_is_refused" {
  command = plan

  variables {
    cache_proxy_grace_seconds = 0
  }

  expect_failures = [var.cache_proxy_grace_seconds]
}

run "all_of_the_memory_is_refused" {
  command = plan

  variables {
    cache_proxy_memory_percent = 100
  }

  expect_failures = [var.cache_proxy_memory_percent]
}

run "every_cookie_is_refused" {
  command = plan

  variables {
    cache_proxy_ignored_cookies = ["*"]
  }

  expect_failures = [var.cache_proxy_ignored_cookies]
}

run "an_expression_as_a_cookie_is_refused" {
  command = plan

  variables {
    cache_proxy_ignored_cookies = ["_ga|.*"]
  }

  expect_failures = [var.cache_proxy_ignored_cookies]
}
