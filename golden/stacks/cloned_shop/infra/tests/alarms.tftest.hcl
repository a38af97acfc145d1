mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "nobody_is_mailed_unless_asked_for" {
  command = plan

  assert {
    condition     = length(aws_sns_topic_subscription.alarms_email) == 0
    error_message = "a subscription exists although alarms_email is null"
  }
}

run "an_address_is_subscribed" {
  command = plan

  variables {
    alarms_email = "ops@example.com"
  }

  assert {
    condition     = one(aws_sns_topic_subscription.alarms_email).endpoint == "ops@example.com"
    error_message = "ops@example.com is not subscribed"
  }
}

run "an_address_without_a_domain_is_refused" {
  command = plan

  variables {
    alarms_email = "ops"
  }

  expect_failures = [var.alarms_email]
}
