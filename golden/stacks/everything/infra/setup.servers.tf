# Every kind of server that is set up from here. Whoever needs a permission or a connection for
# the application gives it to each of them, in a role policy or a rule of its own.

locals {
  setup_roles           = { servers = aws_iam_role.servers.id }
  setup_security_groups = { servers = aws_security_group.servers.id }
}
