mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "proxies_are_told_what_to_change" {
  assert {
    condition     = strcontains(local.setup_user_data["proxies"], "\nexport REWRITE_TO='${output.rewrite_proxy_links.to}'\nexport REWRITE_PREFIXES='${join(" ", output.rewrite_proxy_links.paths)}'\n")
    error_message = "a proxy is told otherwise: ${local.setup_user_data["proxies"]}"
  }

  assert {
    condition     = !strcontains(local.setup_user_data["servers"], "REWRITE_")
    error_message = "web servers are told, which are to stay as they are"
  }
}

# A link that leads to where no file is breaks a page that was well before.
run "links_lead_to_paths_that_the_bucket_answers" {
  assert {
    condition     = contains(output.rewrite_proxy_links.paths, "/static/") && [for path in output.rewrite_proxy_links.paths : "${path}*"] == local.web_storage_paths
    error_message = "links to ${join(", ", output.rewrite_proxy_links.paths)} are changed, and the bucket answers ${join(", ", local.web_storage_paths)}"
  }

  assert {
    condition     = startswith(output.rewrite_proxy_links.to, "https://") && !endswith(output.rewrite_proxy_links.to, "/")
    error_message = "files would be at ${output.rewrite_proxy_links.to}"
  }
}
