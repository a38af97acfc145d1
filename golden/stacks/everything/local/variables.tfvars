# What the mock AWS needs set; `make local` reads it after infra/*.tfvars, and nothing else does.

# the mock AWS has no Image Builder; `terraform test` covers it
stamp_image_id = "ami-04681a1dbd79675a5"

# `make local` waits until a copy has followed the share
nfs_replica_interval_seconds = 2

# the mock knows no instance refresh, so a second apply after a change would fail
servers_instance_refresh = false

# or `make local-down` could not take the load balancer away
load_balancer_deletion_protection = false

# a mock has no edge locations to wait for
edge_wait_for_deployment = false

# it has no default, since no name would be yours
dns_domain = "www.local.test"

# the zone `local/patches/dns.py` makes
dns_zone = "local.test"

# or `make local-down` could not take the table away
session_table_deletion_protection = false
