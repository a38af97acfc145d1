mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_application_is_told_how_long_sessions_live" {
  command = plan

  variables {
    state_sharing_max_age_seconds = 86400
    state_sharing_ttl_seconds     = 1800
  }

  assert {
    condition = { for parameter in aws_ssm_parameter.state_sharing : parameter.name => nonsensitive(parameter.value) } == {
      "/${var.project}/${var.environment}/app/session_cookie_secure"   = tostring(local.state_sharing_https)
      "/${var.project}/${var.environment}/app/session_max_age_seconds" = "86400"
      "/${var.project}/${var.environment}/app/session_ttl_seconds"     = "1800"
    }
    error_message = "the application is told something else"
  }
}

run "every_name_is_one_the_application_knows" {
  command = plan

  assert {
    condition = alltrue([
      for name in keys(aws_ssm_parameter.state_sharing) :
      length(regexall("\n    ${name}: ", file("../app/src/app/sessions.py"))) == 1
    ])
    error_message = "the application would ignore one of ${join(", ", keys(aws_ssm_parameter.state_sharing))}"
  }
}

run "the_cookie_can_be_kept_to_https_by_hand" {
  command = plan

  variables {
    state_sharing_cookie_secure = true
  }

  assert {
    condition     = nonsensitive(aws_ssm_parameter.state_sharing["session_cookie_secure"].value) == "true"
    error_message = "the cookie would travel in the clear"
  }
}

run "the_cookie_can_be_let_go_without_https_by_hand" {
  command = plan

  variables {
    state_sharing_cookie_secure = false
  }

  assert {
    condition     = nonsensitive(aws_ssm_parameter.state_sharing["session_cookie_secure"].value) == "false"
    error_message = "no browser would keep the cookie"
  }
}

run "a_session_of_some_seconds_is_refused" {
  command = plan

  variables {
    state_sharing_ttl_seconds = 30
  }

  expect_failures = [var.state_sharing_ttl_seconds]
}

run "a_session_that_ends_before_it_could_expire_is_refused" {
  command = plan

  variables {
    state_sharing_max_age_seconds = 3600
    state_sharing_ttl_seconds     = 7200
  }

  expect_failures = [var.state_sharing_max_age_seconds]
}

run "a_session_of_two_years_is_refused" {
  command = plan

  variables {
    state_sharing_max_age_seconds = 63072000
  }

  expect_failures = [var.state_sharing_max_age_seconds]
}
