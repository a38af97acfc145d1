# What the mock AWS needs set; `make local` reads it after infra/*.tfvars, and nothing else does.

# the mock AWS has no Image Builder; `terraform test` covers it
stamp_image_id = "ami-04681a1dbd79675a5"

# the mock knows no instance refresh, so a second apply after a change would fail
servers_instance_refresh = false

# or `make local-down` could not take the load balancer away
load_balancer_deletion_protection = false

# it has no default, since no name would be yours
dns_domain = "www.local.test"

# the zone `local/patches/dns.py` makes
dns_zone = "local.test"

# the mock AWS has no ElastiCache; `local/steps/40-session-cache.py` starts a cache there, and `terraform test` covers the real one
session_cache_url = "valkey://127.0.0.1:16379"
