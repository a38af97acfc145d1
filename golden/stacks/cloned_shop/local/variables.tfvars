# What the mock AWS needs set; `make local` reads it after infra/*.tfvars, and nothing else does.

# the mock AWS has no Image Builder; `terraform test` covers it
stamp_image_id = "ami-04681a1dbd79675a5"

# the mock knows no instance refresh, so a second apply after a change would fail
servers_instance_refresh = false

# the mock AWS does not know monitoring by the minute
standalone_server_detailed_monitoring = false

# the mock AWS knows no State Manager; `make local` runs the setup itself
standalone_server_follow = false

# or `make local-down` could not take the load balancer away
load_balancer_deletion_protection = false

# a mock has no edge locations to wait for
edge_wait_for_deployment = false

# the mock knows no instance refresh, so a second apply after a change would fail
proxies_instance_refresh = false

# or `make local-down` could not take buckets away that hold files
object_storage_force_destroy = true
