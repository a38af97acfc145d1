variable "scheduled_scale_out_events" {
  type = map(object({
    begins     = string
    ends       = string
    minimum    = number
    afterwards = optional(number)
  }))
  description = "Peaks that come once: from when until when (UTC, such as 2027-11-26T17:30:00Z) the fleet has at least so many servers, and how many after it; afterwards is the usual minimum unless it says otherwise."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.scheduled_scale_out_events) : can(regex("^[a-z][a-z0-9-]{0,39}$", name)) && !contains(keys(var.scheduled_scale_out_peaks), name)])
    error_message = "scheduled_scale_out_events must have names of small letters, digits and hyphens that no peak has; got ${join(", ", keys(var.scheduled_scale_out_events))}."
  }

  validation {
    condition     = alltrue([for event in var.scheduled_scale_out_events : alltrue([for time in [event.begins, event.ends] : can(timecmp(time, time)) && can(regex("T[0-9]{2}:[0-9]{2}:00Z$", time))])])
    error_message = "scheduled_scale_out_events must begin and end at a full minute in UTC, such as 2027-11-26T17:30:00Z; got ${join(", ", flatten([for event in var.scheduled_scale_out_events : [event.begins, event.ends]]))}."
  }

  validation {
    condition     = alltrue([for event in var.scheduled_scale_out_events : try(timecmp(event.begins, event.ends) < 0, true)])
    error_message = "scheduled_scale_out_events must end after they begin; got ${join(", ", [for event in var.scheduled_scale_out_events : "${event.begins} until ${event.ends}"])}."
  }

  validation {
    condition = alltrue(flatten([
      for event in var.scheduled_scale_out_events : [
        for minimum in [event.minimum, coalesce(event.afterwards, local.servers_minimum)] :
        minimum >= local.servers_minimum && minimum <= local.servers_maximum && minimum % local.servers_zone_count == 0
      ]
    ]))
    error_message = "scheduled_scale_out_events must have a minimum, and afterwards one, between ${local.servers_minimum} and ${local.servers_maximum}, the bounds of the fleet, and a multiple of ${local.servers_zone_count}, the number of zones; got ${join(", ", [for event in var.scheduled_scale_out_events : "${event.minimum} and ${coalesce(event.afterwards, local.servers_minimum)}"])}."
  }
}

variable "scheduled_scale_out_peaks" {
  type = map(object({
    begins    = string
    ends      = string
    minimum   = optional(number)
    time_zone = optional(string)
  }))
  description = "Peaks that come again: between begins and ends (cron: minute, hour, day of month, month, day of week) the fleet has at least so many servers; minimum null is twice the usual one, time_zone null is scheduled_scale_out_time_zone."
  default = {
    weekdays = { begins = "30 7 * * MON-FRI", ends = "0 20 * * MON-FRI" }
  }
  nullable = false

  validation {
    condition     = length(var.scheduled_scale_out_peaks) > 0
    error_message = "scheduled_scale_out_peaks must hold one peak at least: the calendar owns the fleet's minimum, and without any nothing would ever set it again."
  }

  validation {
    condition     = alltrue([for name in keys(var.scheduled_scale_out_peaks) : can(regex("^[a-z][a-z0-9-]{0,39}$", name))])
    error_message = "scheduled_scale_out_peaks must have names of small letters, digits and hyphens; got ${join(", ", keys(var.scheduled_scale_out_peaks))}."
  }

  validation {
    condition = alltrue(flatten([
      for peak in var.scheduled_scale_out_peaks : [
        for fields in [split(" ", peak.begins), split(" ", peak.ends)] : length(fields) == 5 && alltrue([
          for place, field in fields : (place > 1 && field == "*") || alltrue([
            for part in place > 1 ? split(",", field) : [field] : can(regex(local.scheduled_scale_out_fields[place], part))
          ])
        ])
      ]
    ]))
    error_message = "scheduled_scale_out_peaks must begin and end at a cron expression of five fields, with one minute and one hour, such as \"30 7 * * MON-FRI\"; got ${join(", ", flatten([for peak in var.scheduled_scale_out_peaks : ["\"${peak.begins}\"", "\"${peak.ends}\""]]))}."
  }

  validation {
    condition     = alltrue(flatten([for peak in var.scheduled_scale_out_peaks : [for cron in [peak.begins, peak.ends] : try(split(" ", cron)[2] == "*" || split(" ", cron)[4] == "*", true)]]))
    error_message = "scheduled_scale_out_peaks must name days of the month or days of the week, not both: cron would take either for a match."
  }

  validation {
    condition     = alltrue([for peak in var.scheduled_scale_out_peaks : peak.minimum == null || try(peak.minimum > local.servers_minimum && peak.minimum <= local.servers_maximum, false)])
    error_message = "scheduled_scale_out_peaks must have a minimum above the usual ${local.servers_minimum} and of at most ${local.servers_maximum}, the bounds of the fleet (scale_out_minimum, scale_out_maximum); got ${join(", ", [for peak in var.scheduled_scale_out_peaks : coalesce(peak.minimum, 0) if peak.minimum != null])}."
  }

  validation {
    condition     = alltrue([for peak in var.scheduled_scale_out_peaks : peak.minimum == null || try(peak.minimum % local.servers_zone_count == 0, false)])
    error_message = "scheduled_scale_out_peaks must have a minimum that is a multiple of ${local.servers_zone_count}, the number of zones, so that each holds as many servers; got ${join(", ", [for peak in var.scheduled_scale_out_peaks : coalesce(peak.minimum, 0) if peak.minimum != null])}."
  }

  validation {
    condition     = alltrue([for peak in var.scheduled_scale_out_peaks : peak.time_zone == null || try(contains(local.scheduled_scale_out_zones, peak.time_zone), false)])
    error_message = "scheduled_scale_out_peaks must have time zones of infra/scheduled_scale_out.zones.txt, such as Europe/Berlin; got ${join(", ", [for peak in var.scheduled_scale_out_peaks : peak.time_zone if peak.time_zone != null])}."
  }
}

variable "scheduled_scale_out_time_zone" {
  type        = string
  description = "Time zone that peaks are told in, by its IANA name, such as Europe/Berlin; its summer time is followed."
  default     = "Etc/UTC"

  validation {
    condition     = contains(local.scheduled_scale_out_zones, var.scheduled_scale_out_time_zone)
    error_message = "scheduled_scale_out_time_zone must be one of infra/scheduled_scale_out.zones.txt, such as Europe/Berlin; got \"${var.scheduled_scale_out_time_zone}\"."
  }
}
