mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "each_peak_raises_the_minimum_and_gives_it_back" {
  variables {
    scheduled_scale_out_time_zone = "Europe/Berlin"
    scheduled_scale_out_peaks = {
      lunch   = { begins = "30 11 * * MON-WED,FRI", ends = "0 14 * * MON-WED,FRI" }
      closing = { begins = "0 22 28 * *", ends = "0 6 1 * *", time_zone = "Asia/Tokyo" }
    }
  }

  assert {
    condition = { for name, action in aws_autoscaling_schedule.scheduled_scale_out : name => [action.recurrence, action.time_zone] } == {
      lunch-begins   = ["30 11 * * 1,2,3,5", "Europe/Berlin"]
      lunch-ends     = ["0 14 * * 1,2,3,5", "Europe/Berlin"]
      closing-begins = ["0 22 28 * *", "Asia/Tokyo"]
      closing-ends   = ["0 6 1 * *", "Asia/Tokyo"]
    }
    error_message = "the calendar is ${jsonencode(output.scheduled_scale_out_calendar)}"
  }

  assert {
    condition = alltrue([
      for name, action in aws_autoscaling_schedule.scheduled_scale_out :
      action.min_size == (endswith(name, "-begins") ? 2 * local.servers_minimum : local.servers_minimum)
    ])
    error_message = "the minimum is not raised to twice the usual one and given back"
  }

  assert {
    condition     = alltrue([for action in aws_autoscaling_schedule.scheduled_scale_out : action.desired_capacity == -1 && action.max_size == -1])
    error_message = "the calendar moves what belongs to the policies, or the maximum"
  }

  assert {
    condition     = alltrue([for action in aws_autoscaling_schedule.scheduled_scale_out : action.autoscaling_group_name == aws_autoscaling_policy.scale_out_cpu.autoscaling_group_name])
    error_message = "no policy takes the servers away again that the calendar adds"
  }
}

run "as_it_comes_the_calendar_fits_the_fleet" {
  command = plan

  assert {
    condition     = alltrue([for action in aws_autoscaling_schedule.scheduled_scale_out : action.min_size >= local.servers_minimum && action.min_size <= local.servers_maximum])
    error_message = "the calendar leaves the bounds of the fleet"
  }

  assert {
    condition     = keys(output.scheduled_scale_out_calendar) == ["weekdays-begins", "weekdays-ends"]
    error_message = "the calendar is ${jsonencode(output.scheduled_scale_out_calendar)}"
  }
}

run "an_event_comes_once_and_what_is_over_is_left_out" {
  command = plan

  variables {
    scheduled_scale_out_events = {
      sale = {
        begins  = "2199-11-29T05:30:00Z"
        ends    = "2199-11-29T23:00:00Z"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.maximum
      }
      going-on = {
        begins     = "2020-01-01T00:00:00Z"
        ends       = "2199-01-01T00:00:00Z"
        minimum    = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.maximum
        afterwards = 2 * run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.minimum
      }
    }
  }

  assert {
    condition = { for name, action in aws_autoscaling_schedule.scheduled_scale_out_once : name => [action.start_time, action.min_size] } == {
      going-on-ends = ["2199-01-01T00:00:00Z", 2 * local.servers_minimum]
      sale-begins   = ["2199-11-29T05:30:00Z", local.servers_maximum]
      sale-ends     = ["2199-11-29T23:00:00Z", local.servers_minimum]
    }
    error_message = "the calendar is ${jsonencode(output.scheduled_scale_out_calendar)}"
  }
}

run "peaks_that_follow_each_other_and_one_over_midnight_are_taken" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      morning = { begins = "0 7 * * *", ends = "59 11 * * *" }
      noon    = { begins = "0 12 * * *", ends = "0 14 * * *" }
      night   = { begins = "0 22 * * FRI-SAT", ends = "0 3 * * SAT-SUN" }
    }
  }

  assert {
    condition     = aws_autoscaling_schedule.scheduled_scale_out["night-ends"].recurrence == "0 3 * * 0,6"
    error_message = "the night ends at ${aws_autoscaling_schedule.scheduled_scale_out["night-ends"].recurrence}"
  }
}

run "peaks_that_overlap_are_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day  = { begins = "0 7 * * *", ends = "0 14 * * *" }
      noon = { begins = "0 12 * * MON", ends = "0 15 * * MON" }
    }
  }

  expect_failures = [terraform_data.scheduled_scale_out["day-begins"], terraform_data.scheduled_scale_out["day-ends"], terraform_data.scheduled_scale_out["noon-begins"], terraform_data.scheduled_scale_out["noon-ends"]]
}

run "a_peak_within_another_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day  = { begins = "0 7 * * *", ends = "0 14 * * *" }
      noon = { begins = "0 12 * * *", ends = "0 13 * * *" }
    }
  }

  expect_failures = [terraform_data.scheduled_scale_out["day-begins"], terraform_data.scheduled_scale_out["day-ends"], terraform_data.scheduled_scale_out["noon-begins"], terraform_data.scheduled_scale_out["noon-ends"]]
}

run "a_peak_that_ends_less_often_than_it_begins_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = { begins = "0 7 * * MON-FRI", ends = "0 14 * * FRI" }
    }
  }

  expect_failures = [terraform_data.scheduled_scale_out["day-begins"], terraform_data.scheduled_scale_out["day-ends"]]
}

run "a_peak_that_ends_as_it_begins_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = { begins = "0 7 * * MON-FRI", ends = "0 7 * * MON-FRI" }
    }
  }

  expect_failures = [terraform_data.scheduled_scale_out["day-begins"], terraform_data.scheduled_scale_out["day-ends"]]
}

run "a_calendar_without_a_peak_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {}
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_peak_above_the_maximum_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = {
        begins  = "0 7 * * *"
        ends    = "0 14 * * *"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.maximum * 2
      }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_peak_that_is_no_peak_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = {
        begins  = "0 7 * * *"
        ends    = "0 14 * * *"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.minimum
      }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_peak_with_different_numbers_in_zones_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = {
        begins  = "0 7 * * *"
        ends    = "0 14 * * *"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.minimum + 1
      }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_peak_every_five_minutes_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = { begins = "*/5 * * * *", ends = "0 14 * * *" }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_sixth_field_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = { begins = "0 7 * * MON 2027", ends = "0 14 * * MON 2027" }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "days_of_month_and_week_at_once_are_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = { begins = "0 7 1 * MON", ends = "0 14 1 * MON" }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_name_with_a_space_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      "week days" = { begins = "0 7 * * *", ends = "0 14 * * *" }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_peak_in_a_time_zone_that_is_none_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_peaks = {
      day = { begins = "0 7 * * *", ends = "0 14 * * *", time_zone = "CEST" }
    }
  }

  expect_failures = [var.scheduled_scale_out_peaks]
}

run "a_time_zone_that_is_misspelt_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_time_zone = "Europe/Berlim"
  }

  expect_failures = [var.scheduled_scale_out_time_zone]
}

run "an_event_in_local_time_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_events = {
      sale = {
        begins  = "2199-11-29T05:30:00+01:00"
        ends    = "2199-11-29T23:00:00+01:00"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.maximum
      }
    }
  }

  expect_failures = [var.scheduled_scale_out_events]
}

run "an_event_that_ends_before_it_begins_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_events = {
      sale = {
        begins  = "2199-11-29T23:00:00Z"
        ends    = "2199-11-29T05:30:00Z"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.maximum
      }
    }
  }

  expect_failures = [var.scheduled_scale_out_events]
}

run "an_event_named_like_a_peak_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_events = {
      weekdays = {
        begins  = "2199-11-29T05:30:00Z"
        ends    = "2199-11-29T23:00:00Z"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.maximum
      }
    }
  }

  expect_failures = [var.scheduled_scale_out_events]
}

run "an_event_above_the_maximum_is_refused" {
  command = plan

  variables {
    scheduled_scale_out_events = {
      sale = {
        begins  = "2199-11-29T05:30:00Z"
        ends    = "2199-11-29T23:00:00Z"
        minimum = run.each_peak_raises_the_minimum_and_gives_it_back.scale_out_bounds.maximum * 2
      }
    }
  }

  expect_failures = [var.scheduled_scale_out_events]
}
