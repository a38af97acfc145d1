# The way in: the internet may speak to the load balancer, and every request is
# forwarded to the servers.

resource "aws_vpc_security_group_ingress_rule" "internet_entry" {
  for_each = {
    for door in setproduct(var.internet_entry_cidrs, distinct([80, local.load_balancer_port])) :
    "${door[0]} ${door[1]}" => { cidr = door[0], port = tonumber(door[1]) }
  }

  security_group_id = aws_security_group.load_balancer.id
  description       = "Requests of users"
  cidr_ipv4         = strcontains(each.value.cidr, ":") ? null : each.value.cidr
  cidr_ipv6         = strcontains(each.value.cidr, ":") ? each.value.cidr : null
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_lb_listener_rule" "internet_entry" {
  listener_arn = aws_lb_listener.load_balancer.arn
  priority     = 50000 # the last there is, so that rules for single paths go first

  condition {
    path_pattern {
      values = ["*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = local.load_balancer_target_group_arn
  }
}
