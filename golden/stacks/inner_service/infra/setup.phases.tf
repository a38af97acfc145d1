# What a new server does by itself, in this order.

locals {
  setup_boot_phases = ["install", "release", "configure"]
}
