# Where traffic doubles within minutes at an hour that is known, the fleet is larger before. The
# calendar raises the minimum and lowers it again; what the load asks for beyond stays with the
# policies, and so does taking servers away when it is over.

locals {
  scheduled_scale_out_zones = toset(split("\n", trimspace(file("${path.module}/scheduled_scale_out.zones.txt"))))
  scheduled_scale_out_days  = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

  # What may stand in each place of a cron expression: a minute, an hour, days, months, days.
  scheduled_scale_out_fields = [
    "^[0-5]?[0-9]$",
    "^(?:[01]?[0-9]|2[0-3])$",
    "^(?:[1-9]|[12][0-9]|3[01])(?:-(?:[1-9]|[12][0-9]|3[01]))?$",
    "^(?:[1-9]|1[0-2])(?:-(?:[1-9]|1[0-2]))?$",
    "^(?:[0-6]|${join("|", local.scheduled_scale_out_days)})(?:-(?:[0-6]|${join("|", local.scheduled_scale_out_days)}))?$",
  ]

  scheduled_scale_out_peaks = {
    for name, peak in var.scheduled_scale_out_peaks : name => {
      minimum   = coalesce(peak.minimum, min(2 * local.servers_minimum, local.servers_maximum))
      time_zone = coalesce(peak.time_zone, var.scheduled_scale_out_time_zone)
      times     = { for key, cron in { begins = peak.begins, ends = peak.ends } : key => split(" ", cron) }
    }
  }

  # Days as numbers, for there are crons that know no names: MON-WED,FRI is 1,2,3,5.
  scheduled_scale_out_days_of = {
    for cron in toset(flatten([for peak in var.scheduled_scale_out_peaks : [peak.begins, peak.ends]])) :
    cron => flatten([
      for part in split(",", split(" ", cron)[4] == "*" ? "SUN-SAT" : split(" ", cron)[4]) : [
        for ends in [[for day in split("-", part) : try(tonumber(day), index(local.scheduled_scale_out_days, day))]] : [
          for step in range((ends[length(ends) - 1] - ends[0] + 7) % 7 + 1) : (ends[0] + step) % 7
        ]
      ]
    ])
  }

  scheduled_scale_out_recurring = merge([
    for name, peak in local.scheduled_scale_out_peaks : {
      for key, time in peak.times : "${name}-${key}" => {
        minimum   = key == "begins" ? peak.minimum : local.servers_minimum
        time_zone = peak.time_zone
        recurrence = join(" ", concat(slice(time, 0, 4), [
          time[4] == "*" ? "*" : join(",", sort(distinct(local.scheduled_scale_out_days_of[join(" ", time)])))
        ]))
      }
    }
  ]...)

  scheduled_scale_out_events = merge([
    for name, event in var.scheduled_scale_out_events : {
      "${name}-begins" = { time = event.begins, minimum = event.minimum }
      "${name}-ends"   = { time = event.ends, minimum = coalesce(event.afterwards, local.servers_minimum) }
    }
  ]...)

  # AWS forgets an action that is over, and takes none in the past.
  scheduled_scale_out_once = { for name, change in local.scheduled_scale_out_events : name => change if timecmp(change.time, plantimestamp()) > 0 }

  # The week as a line for each time zone, such as "01890 + weekdays" for Monday at 7:30.
  scheduled_scale_out_week = {
    for zone in toset([for peak in local.scheduled_scale_out_peaks : peak.time_zone]) : zone => sort(flatten([
      for name, peak in local.scheduled_scale_out_peaks : [
        for key, time in peak.times : [
          for day in distinct(local.scheduled_scale_out_days_of[join(" ", time)]) :
          format("%05d %s %s", (day * 24 + time[1]) * 60 + time[0], key == "begins" ? "+" : "-", name)
        ]
      ] if peak.time_zone == zone && alltrue([for time in peak.times : time[2] == "*" && time[3] == "*"])
    ]))
  }

  # After each begin must come the end of that very peak, later than it.
  scheduled_scale_out_clashes = distinct(flatten([
    for moments in local.scheduled_scale_out_week : [
      for index, moment in moments : split(" ", moment)[2]
      if !anytrue([
        for next in [moments[(index + 1) % length(moments)]] : split(" ", moment)[0] != split(" ", next)[0] && (
          split(" ", moment)[1] == "-" ? split(" ", next)[1] == "+" : endswith(next, " - ${split(" ", moment)[2]}")
        )
      ])
    ]
  ]))
}

# A change makes an action anew: one that is changed in place would happen once more at the time
# it had before.
resource "terraform_data" "scheduled_scale_out" {
  for_each = merge(local.scheduled_scale_out_recurring, local.scheduled_scale_out_once)

  input = each.value

  lifecycle {
    precondition {
      condition     = !contains(local.scheduled_scale_out_clashes, replace(each.key, "/-(?:begins|ends)$/", ""))
      error_message = "Peak ${replace(each.key, "/-(?:begins|ends)$/", "")} has two begins in a row, two ends in a row, or meets another peak: each begin needs an end after it, and the end of one peak would lower the minimum of the other. Peaks that meet are one peak, or two with a minute between them."
    }
  }
}

resource "aws_autoscaling_schedule" "scheduled_scale_out" {
  for_each = local.scheduled_scale_out_recurring

  scheduled_action_name  = each.key
  autoscaling_group_name = aws_autoscaling_group.servers.name
  recurrence             = each.value.recurrence
  time_zone              = each.value.time_zone
  min_size               = each.value.minimum

  # -1 leaves as they are what belongs to the policies and what bounds the bill.
  desired_capacity = -1
  max_size         = -1

  lifecycle {
    replace_triggered_by = [terraform_data.scheduled_scale_out[each.key]]
  }
}

resource "aws_autoscaling_schedule" "scheduled_scale_out_once" {
  for_each = local.scheduled_scale_out_once

  scheduled_action_name  = each.key
  autoscaling_group_name = aws_autoscaling_group.servers.name
  start_time             = each.value.time
  min_size               = each.value.minimum
  desired_capacity       = -1
  max_size               = -1

  lifecycle {
    replace_triggered_by = [terraform_data.scheduled_scale_out[each.key]]
  }
}
