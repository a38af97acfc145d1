# The way in: CloudFront and nobody else. Its addresses alone would not do, since
# anyone can point a distribution of their own at this load balancer; so ours also
# sends a secret that the load balancer asks for.

data "aws_ec2_managed_prefix_list" "edge_entry" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

# The list counts as 55 of the 60 rules a security group takes, so it can open one
# port only.
resource "aws_vpc_security_group_ingress_rule" "edge_entry" {
  # checkov:skip=CKV_AWS_260: it is open to the addresses of CloudFront only
  security_group_id = aws_security_group.load_balancer.id
  description       = "Requests from CloudFront"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.edge_entry.id
  ip_protocol       = "tcp"
  from_port         = local.load_balancer_port
  to_port           = local.load_balancer_port
}

# Made once and kept in the state, as both sides of every secret header are.
resource "terraform_data" "edge_entry_secret" {
  for_each = toset(var.edge_entry_secrets)

  input = uuid()

  lifecycle {
    ignore_changes = [input] # or every plan would make a new one
  }
}

locals {
  edge_entry_header = "X-Origin-Verify"
  edge_entry_known  = [for name in var.edge_entry_secrets : sensitive(terraform_data.edge_entry_secret[name].output)]
  edge_entry_sent   = local.edge_entry_known[length(local.edge_entry_known) - 1]
}

resource "aws_lb_listener_rule" "edge_entry" {
  listener_arn = aws_lb_listener.load_balancer.arn
  priority     = 50000 # the last there is, so that rules for single paths go first

  condition {
    http_header {
      http_header_name = local.edge_entry_header
      values           = local.edge_entry_known
    }
  }

  action {
    type             = "forward"
    target_group_arn = local.load_balancer_target_group_arn
  }
}
