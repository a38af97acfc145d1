# Every kind of server that is set up from here.

locals {
  setup_kinds     = ["standalone_server"]
  setup_all_roles = { standalone_server = aws_iam_role.standalone_server.id }

  # Those that run the application. Whoever needs a permission or a connection for it gives it to
  # each of them, in a role policy or a rule of its own.
  setup_roles           = { standalone_server = aws_iam_role.standalone_server.id }
  setup_security_groups = { standalone_server = aws_security_group.standalone_server.id }

  # These come and go in an Auto Scaling group, which waits for each to say that it is ready.
  setup_group_kinds = []
  setup_groups      = {}

  # The machines they run on, for whoever makes the image they start from.
  setup_architectures  = { standalone_server = local.standalone_server_architecture }
  setup_instance_types = { standalone_server = var.standalone_server_instance_type }
  setup_volumes_gib    = { standalone_server = var.standalone_server_volume_gib }
}
