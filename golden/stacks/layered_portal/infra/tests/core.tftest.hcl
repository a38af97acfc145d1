# Names decide whether AWS takes a resource at all, so they are refused here first.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "a_name_is_project_and_environment" {
  command = plan

  variables {
    project     = "web-shop"
    environment = "prod"
  }

  assert {
    condition     = output.core_name == "web-shop-prod"
    error_message = "core_name is ${output.core_name}"
  }
}

# Some names have an end of their own, and AWS takes 32 characters of a load balancer's.
run "the_longest_name_has_room_everywhere" {
  command = plan

  variables {
    project     = "accounts-and-billing" # 20
    environment = "approval"             # 8
  }
}

run "a_project_of_one_letter_is_refused" {
  command = plan

  variables {
    project = "x"
  }

  expect_failures = [var.project]
}

run "a_project_with_two_hyphens_in_a_row_is_refused" {
  command = plan

  variables {
    project = "web--shop"
  }

  expect_failures = [var.project]
}

run "a_project_of_more_than_twenty_characters_is_refused" {
  command = plan

  variables {
    project = "the-whole-of-our-shop" # 21
  }

  expect_failures = [var.project]
}

run "a_project_that_AWS_would_take_for_its_own_is_refused" {
  command = plan

  variables {
    project = "internal-tools"
  }

  expect_failures = [var.project]
}

run "a_long_environment_is_refused" {
  command = plan

  variables {
    environment = "production"
  }

  expect_failures = [var.environment]
}

run "a_region_that_is_a_zone_is_refused" {
  command = plan

  variables {
    region = "eu-central-1a"
  }

  expect_failures = [var.region]
}
