# What the mock AWS needs set; `make local` reads it after infra/*.tfvars, and nothing else does.

# or a copy of the disk would be left in the mock AWS when the stack is taken away
ondemand_disk_final_snapshot = false

# the mock AWS does not know monitoring by the minute
standalone_server_detailed_monitoring = false

# the mock AWS knows no State Manager; `make local` runs the setup itself
standalone_server_follow = false
