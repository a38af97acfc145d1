mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "a_start_fetches_the_release" {
  assert {
    condition     = contains(local.setup_boot_phases, "release") && contains(local.setup_bundle_files, "servers/setup/release/50-app.sh")
    error_message = "a changed application would not reach a new server"
  }
}

run "a_slow_start_rings" {
  variables {
    bootstrap_slow_minutes = 7
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.bootstrap_slow) == keys(local.setup_groups)
    error_message = "nobody hears of slow starts in a group"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.bootstrap_slow : alarm.evaluation_periods * alarm.period == 420])
    error_message = "an alarm waits for something else than seven minutes"
  }
}

run "an_alarm_after_the_server_is_gone_is_refused" {
  command = plan

  variables {
    bootstrap_slow_minutes = 20
    setup_minutes          = 20
  }

  expect_failures = [var.bootstrap_slow_minutes]
}

run "an_alarm_for_every_start_is_refused" {
  command = plan

  variables {
    bootstrap_slow_minutes = 1
  }

  expect_failures = [var.bootstrap_slow_minutes]
}
