# Every kind of server that is set up from here.

locals {
  setup_kinds     = ["servers", "standalone_server"]
  setup_all_roles = { servers = aws_iam_role.servers.id, standalone_server = aws_iam_role.standalone_server.id }

  # Those that run the application. Whoever needs a permission or a connection for it gives it to
  # each of them, in a role policy or a rule of its own.
  setup_roles           = { servers = aws_iam_role.servers.id, standalone_server = aws_iam_role.standalone_server.id }
  setup_security_groups = { servers = aws_security_group.servers.id, standalone_server = aws_security_group.standalone_server.id }

  # These come and go in an Auto Scaling group, which waits for each to say that it is ready.
  setup_group_kinds = ["servers"]
  setup_groups      = { servers = aws_autoscaling_group.servers.name }

  # The machines they run on, for whoever makes the image they start from.
  setup_architectures  = { servers = local.servers_architecture, standalone_server = local.standalone_server_architecture }
  setup_instance_types = { servers = var.servers_instance_type, standalone_server = var.standalone_server_instance_type }
  setup_volumes_gib    = { servers = var.servers_volume_gib, standalone_server = var.standalone_server_volume_gib }
}
