# What the mock AWS needs set; `make local` reads it after infra/*.tfvars, and nothing else does.

# or a copy of the disk would be left in the mock AWS when the stack is taken away
ondemand_disk_final_snapshot = false

# the mock knows no instance refresh, so a second apply after a change would fail
servers_instance_refresh = false

# the mock AWS does not know monitoring by the minute
standalone_server_detailed_monitoring = false

# the mock AWS knows no State Manager; `make local` runs the setup itself
standalone_server_follow = false

# or `make local-down` could not take the load balancer away
load_balancer_deletion_protection = false

# or `make local-down` could not take the database away
database_deletion_protection = false

# or a copy of it would be left in the mock AWS
database_final_snapshot = false

# `local/steps/40-database.py` runs the database there, beside one that this machine may have
database_port = 15432
