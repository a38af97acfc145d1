# What the mock AWS needs set; `make local` reads it after infra/*.tfvars, and nothing else does.

# the mock knows no instance refresh, so a second apply after a change would fail
servers_instance_refresh = false

# or `make local-down` could not take the load balancer away
load_balancer_deletion_protection = false

# a mock has no edge locations to wait for
edge_wait_for_deployment = false

# or `make local-down` could not take the table away
session_table_deletion_protection = false
