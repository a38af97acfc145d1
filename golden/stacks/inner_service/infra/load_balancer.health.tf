# Which servers get requests: how a server is asked whether it is well, and what holds when
# many are not.

locals {
  # Where the application answers the check, unless another path was asked for.
  load_balancer_health_path = coalesce(var.load_balancer_health_check.path, "/health/deep")

  # Share of healthy servers, in percent, below which all get requests; null where they do once
  # no server is healthy, as a target group has it by itself.
  load_balancer_fail_open_percent = var.deep_health_check_fail_open_percent
}
