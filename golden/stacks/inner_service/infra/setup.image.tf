# The image that servers of every kind start from; null is Amazon's own, for the architecture of each.

locals {
  setup_image_id = null
}
