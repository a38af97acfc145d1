mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "proxies_are_told_what_to_change" {
  variables {
    rewrite_proxy_prefixes = ["/static/", "/media/old/"]
  }

  assert {
    condition     = strcontains(local.setup_user_data["proxies"], "\nexport REWRITE_TO='${local.web_storage_url}'\nexport REWRITE_PREFIXES='/static/ /media/old/'\n")
    error_message = "a proxy is told otherwise: ${local.setup_user_data["proxies"]}"
  }

  assert {
    condition     = !strcontains(local.setup_user_data["servers"], "REWRITE_")
    error_message = "web servers are told, which are to stay as they are"
  }

  assert {
    condition     = startswith(local.web_storage_url, "https://") && !endswith(local.web_storage_url, "/")
    error_message = "static files would be at ${local.web_storage_url}"
  }
}

run "every_path_is_refused" {
  command = plan

  variables {
    rewrite_proxy_prefixes = ["/"]
  }

  expect_failures = [var.rewrite_proxy_prefixes]
}

run "a_path_that_does_not_end_is_refused" {
  command = plan

  variables {
    rewrite_proxy_prefixes = ["/static"]
  }

  expect_failures = [var.rewrite_proxy_prefixes]
}

run "a_rule_within_a_path_is_refused" {
  command = plan

  variables {
    rewrite_proxy_prefixes = ["/static/';deny all;/"]
  }

  expect_failures = [var.rewrite_proxy_prefixes]
}
