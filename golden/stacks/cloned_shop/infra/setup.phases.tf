# What a new server does by itself, in this order.

locals {
  setup_boot_phases = ["configure"]

  # These are in the image already when a server starts.
  setup_image_phases = ["install", "release"]
}
