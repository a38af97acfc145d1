# What the mock AWS needs set; `make local` reads it after infra/*.tfvars, and nothing else does.

# the mock AWS does not know monitoring by the minute
standalone_server_detailed_monitoring = false

# the mock AWS knows no State Manager; `make local` runs the setup itself
standalone_server_follow = false

# a mock has no edge locations to wait for
edge_wait_for_deployment = false
