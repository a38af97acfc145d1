# What a server does by itself, in this order.

locals {
  setup_boot_phases = ["install", "release", "configure"]

  # A server that no group replaces stays with the image it was made from: a change of what that
  # brings reaches it only where the server does it, too. On a new one nearly nothing is left to do.
  setup_kept_phases = ["install", "release", "configure"]
}
