# In front of the proxies stands the load balancer that users reach, and behind them one that
# only they reach. Web servers come and go behind that one, and no proxy has to know them.

locals {
  # What the last hop answers by itself.
  proxies_health_path = "/proxy-health"

  # The same protocol as users speak: a load balancer writes its own into X-Forwarded-Proto, and
  # by that header the application knows whether a user came encrypted.
  proxies_origin = "${lower(local.load_balancer_protocol)}://${aws_lb.proxies.dns_name}:${local.load_balancer_port}"
}

resource "aws_lb_target_group" "proxies" {
  # checkov:skip=CKV_AWS_378: from here to the proxies requests stay inside the VPC, and nobody else reaches that port
  name                          = "${local.name}-px" # AWS takes 32 characters
  port                          = local.proxies_port
  protocol                      = "HTTP"
  vpc_id                        = aws_vpc.network.id
  deregistration_delay          = var.load_balancer_drain_seconds
  load_balancing_algorithm_type = "least_outstanding_requests"

  # The proxy answers it by itself, through all of its programs. If it asked the web servers, a
  # failure of theirs would take the proxies out as well, with all they could still answer.
  health_check {
    path                = local.proxies_health_path
    interval            = var.load_balancer_health_check.interval_seconds
    timeout             = var.load_balancer_health_check.timeout_seconds
    healthy_threshold   = var.load_balancer_health_check.healthy_threshold
    unhealthy_threshold = var.load_balancer_health_check.unhealthy_threshold
    matcher             = "200"
  }
}

resource "aws_autoscaling_attachment" "proxies" {
  # checkov:skip=CKV2_AWS_15: its check decides about requests; a machine that is broken the group replaces by itself
  autoscaling_group_name = aws_autoscaling_group.proxies.name
  lb_target_group_arn    = aws_lb_target_group.proxies.arn
}

resource "aws_vpc_security_group_egress_rule" "proxies_front" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "Requests and health checks to the proxies"
  referenced_security_group_id = aws_security_group.proxies.id
  ip_protocol                  = "tcp"
  from_port                    = local.proxies_port
  to_port                      = local.proxies_port
}

resource "aws_vpc_security_group_ingress_rule" "proxies_front" {
  security_group_id            = aws_security_group.proxies.id
  description                  = "Requests and health checks from the load balancer"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.proxies_port
  to_port                      = local.proxies_port
}

resource "aws_security_group" "proxies_load_balancer" {
  name        = "${local.name}-inner-load-balancer"
  description = "The load balancer of ${local.name} between proxies and web servers"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-inner-load-balancer" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "proxies_behind" {
  security_group_id            = aws_security_group.proxies.id
  description                  = "Requests to the inner load balancer"
  referenced_security_group_id = aws_security_group.proxies_load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.load_balancer_port
  to_port                      = local.load_balancer_port
}

resource "aws_vpc_security_group_ingress_rule" "proxies_behind" {
  # checkov:skip=CKV_AWS_260: it is open to the proxies only
  security_group_id            = aws_security_group.proxies_load_balancer.id
  description                  = "Requests from the proxies"
  referenced_security_group_id = aws_security_group.proxies.id
  ip_protocol                  = "tcp"
  from_port                    = local.load_balancer_port
  to_port                      = local.load_balancer_port
}

resource "aws_lb" "proxies" {
  # checkov:skip=CKV2_AWS_20: there is no HTTPS to redirect to, for a certificate needs a domain
  # checkov:skip=CKV_AWS_91: each request is in the logs of the outer one, and what reached a server in the application's
  name               = "${local.name}-in" # AWS takes 32 characters
  internal           = true
  load_balancer_type = "application"
  security_groups    = [aws_security_group.proxies_load_balancer.id]
  subnets            = [for subnet in aws_subnet.network_private : subnet.id]

  drop_invalid_header_fields = true
  enable_deletion_protection = var.load_balancer_deletion_protection
  enable_zonal_shift         = true
  idle_timeout               = var.load_balancer_idle_timeout_seconds
}

resource "aws_lb_listener" "proxies" {
  # checkov:skip=CKV_AWS_2,CKV_AWS_103: a certificate needs a domain, and AWS gives none for the name of a load balancer
  load_balancer_arn = aws_lb.proxies.arn
  port              = local.load_balancer_port
  protocol          = local.load_balancer_protocol

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.load_balancer.arn
  }
}
