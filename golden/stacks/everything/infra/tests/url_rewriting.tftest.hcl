mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "links_lead_to_where_the_files_are" {
  assert {
    condition = { for parameter in aws_ssm_parameter.url_rewriting : parameter.name => nonsensitive(parameter.value) } == {
      "${local.setup_settings_path}/url_rewriting_base"     = output.url_rewriting_base
      "${local.setup_settings_path}/url_rewriting_prefixes" = join(",", local.web_storage_prefixes)
    }
    error_message = "the application is told something else than the outputs tell"
  }

  assert {
    condition     = output.url_rewriting_base == output.web_storage_url && can(regex("^https://[^/]+$", output.url_rewriting_base))
    error_message = "links lead to ${output.url_rewriting_base}"
  }

  # A link must never lead to a file that nobody put there.
  assert {
    condition     = alltrue([for prefix in local.web_storage_prefixes : contains([for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern if behavior.target_origin_id == "content"], "${prefix}*")])
    error_message = "links are changed that the bucket does not answer"
  }
}

run "switched_off_the_application_is_told_nothing" {
  variables {
    url_rewriting_enabled = false
  }

  assert {
    condition     = length(aws_ssm_parameter.url_rewriting) == 0 && output.url_rewriting_base == ""
    error_message = "links are still changed"
  }
}
