mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_bucket_answers_for_its_paths" {
  assert {
    condition     = [for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : behavior.path_pattern if behavior.target_origin_id == "content" && contains(local.web_storage_paths, behavior.path_pattern)] == local.web_storage_paths
    error_message = "paths are answered by somebody else: ${join(", ", [for behavior in aws_cloudfront_distribution.edge.ordered_cache_behavior : "${behavior.path_pattern} by ${behavior.target_origin_id}"])}"
  }

  assert {
    condition     = contains(local.web_storage_paths, "/media/*") && alltrue([for path in local.web_storage_paths : can(regex("^/[a-z]+/\\*$", path))])
    error_message = "large files have no path, or a path is wider than a folder"
  }
}

run "publishing_is_told_of_the_same_bucket_and_address" {
  assert {
    condition = output.web_storage_publish == {
      bucket       = aws_s3_bucket.object_storage["content"].id
      distribution = aws_cloudfront_distribution.edge.id
      seconds      = 86400
      url          = local.edge_address
    }
    error_message = "scripts/publish.py would put files elsewhere"
  }

  assert {
    condition     = output.web_storage_url == local.edge_address && can(regex("^https://[^/]+$", local.edge_address))
    error_message = "the address of files is ${output.web_storage_url}"
  }
}

run "the_application_s_files_are_in_the_bucket_under_the_same_path" {
  command = plan

  assert {
    condition     = toset([for object in aws_s3_object.web_storage : object.key]) == toset(flatten([for path, folder in local.web_storage_folders : [for file in fileset("../${folder}", "**") : "${path}/${file}" if length(regexall("(^|/)\\.", file)) == 0]])) && length(aws_s3_object.web_storage) > 0
    error_message = "files are missing: ${join(", ", keys(aws_s3_object.web_storage))}"
  }

  assert {
    condition     = aws_s3_object.web_storage["static/style.css"].content_type == "text/css; charset=utf-8" && aws_s3_object.web_storage["static/style.css"].cache_control == "public, max-age=300"
    error_message = "a style sheet is served as ${aws_s3_object.web_storage["static/style.css"].content_type}, ${aws_s3_object.web_storage["static/style.css"].cache_control}"
  }
}

run "a_changed_file_is_seen_as_soon_as_asked_for" {
  command = plan

  variables {
    web_storage_seconds = 5
  }

  assert {
    condition     = aws_s3_object.web_storage["static/style.css"].cache_control == "public, max-age=5"
    error_message = "copies live for another time: ${aws_s3_object.web_storage["static/style.css"].cache_control}"
  }
}

run "a_browser_that_keeps_a_style_for_a_month_is_refused" {
  command = plan

  variables {
    web_storage_seconds = 2592000
  }

  expect_failures = [var.web_storage_seconds]
}

run "two_years_are_refused" {
  command = plan

  variables {
    web_storage_media_seconds = 63072000
  }

  expect_failures = [var.web_storage_media_seconds]
}
