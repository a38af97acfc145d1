output "scheduled_scale_out_calendar" {
  description = "What sets the fleet's minimum, when, and to how many servers; what is over is left out."
  value = merge(
    { for name, change in local.scheduled_scale_out_recurring : name => "${change.recurrence} ${change.time_zone}: ${change.minimum}" },
    { for name, change in local.scheduled_scale_out_once : name => "${change.time}: ${change.minimum}" },
  )
}
