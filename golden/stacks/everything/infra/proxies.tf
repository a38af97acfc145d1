# A fleet between the load balancer and the web servers. What a proxy does to a request stands in
# servers/setup/configure/proxies. Nothing on one of them is worth keeping: a broken one is
# replaced, and a change reaches the fleet as new proxies, one at a time.

locals {
  proxies_architecture = contains(data.aws_ec2_instance_type.proxies.supported_architectures, "arm64") ? "arm64" : "x86_64"
  proxies_port         = 8080
  proxies_zones        = local.network_zones
}

data "aws_ec2_instance_type" "proxies" {
  instance_type = var.proxies_instance_type
}

# Not every zone has machines of every type.
data "aws_ec2_instance_type_offerings" "proxies" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [var.proxies_instance_type]
  }
}

data "aws_ssm_parameter" "proxies_base_image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.proxies_architecture}"
}

data "aws_iam_policy_document" "proxies_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.${data.aws_partition.current.dns_suffix}"]
    }
  }
}

# A role of its own: a proxy reads nothing that is the application's.
resource "aws_iam_role" "proxies" {
  name               = "${local.name}-proxies"
  description        = "What the proxies of ${local.name} may do"
  assume_role_policy = data.aws_iam_policy_document.proxies_trust.json
}

# Just what Session Manager needs. The managed policy AmazonSSMManagedInstanceCore
# would also let the proxies read every parameter of the account.
data "aws_iam_policy_document" "proxies_session_manager" {
  statement {
    actions   = ["ssm:UpdateInstanceInformation"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:instance/*"]
  }

  statement {
    actions = [
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"] # these actions know no narrower resource
  }
}

resource "aws_iam_role_policy" "proxies_session_manager" {
  name   = "session-manager"
  role   = aws_iam_role.proxies.id
  policy = data.aws_iam_policy_document.proxies_session_manager.json
}

resource "aws_iam_instance_profile" "proxies" {
  name = "${local.name}-proxies"
  role = aws_iam_role.proxies.name
}

resource "aws_security_group" "proxies" {
  name        = "${local.name}-proxies"
  description = "The proxies of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-proxies" }

  # A load balancer's rules name it, and would keep it while its successor is made.
  lifecycle {
    create_before_destroy = true
  }
}

# DNS, time and instance metadata are Amazon's own and pass every security group.
resource "aws_vpc_security_group_egress_rule" "proxies_https" {
  security_group_id = aws_security_group.proxies.id
  description       = "HTTPS to AWS APIs and package repositories"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_launch_template" "proxies" {
  name                   = "${local.name}-proxies"
  description            = "A proxy of ${local.name}"
  image_id               = coalesce(local.setup_image_id, data.aws_ssm_parameter.proxies_base_image.insecure_value)
  instance_type          = var.proxies_instance_type
  update_default_version = true
  user_data              = base64encode(local.setup_user_data["proxies"])
  vpc_security_group_ids = [aws_security_group.proxies.id]

  block_device_mappings {
    device_name = "/dev/xvda" # the root of Amazon Linux 2023

    ebs {
      delete_on_termination = true
      encrypted             = true
      volume_size           = var.proxies_volume_gib
      volume_type           = "gp3"
    }
  }

  iam_instance_profile {
    arn = aws_iam_instance_profile.proxies.arn
  }

  # Version 2 only, and not through a second hop: a request that tricks a proxy into fetching
  # an address cannot fetch the role's keys.
  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
  }

  monitoring {
    enabled = true # a value a minute; with one in five minutes the policy comes too late
  }

  # The provider's default tags reach only what Terraform itself creates.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(local.tags, { Name = "${local.name}-proxy" })
    }
  }
}

resource "aws_autoscaling_group" "proxies" {
  name                = local.proxies_group_name
  min_size            = var.proxies_minimum
  max_size            = var.proxies_maximum
  desired_capacity    = var.proxies_minimum
  vpc_zone_identifier = [for zone in local.proxies_zones : aws_subnet.network_private[zone].id]
  health_check_type   = "EC2"

  # An apply that makes the fleet larger waits until the new proxies have set themselves up.
  wait_for_capacity_timeout = "${var.setup_minutes + 5}m"

  # What alarms watch; without this list the group reports nothing.
  enabled_metrics = [
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupTerminatingInstances",
  ]

  initial_lifecycle_hook {
    name                 = local.proxies_launch_hook.name
    lifecycle_transition = local.proxies_launch_hook.lifecycle_transition
    default_result       = local.proxies_launch_hook.default_result
    heartbeat_timeout    = local.proxies_launch_hook.heartbeat_timeout
  }

  launch_template {
    id      = aws_launch_template.proxies.id
    version = aws_launch_template.proxies.latest_version
  }

  dynamic "instance_refresh" {
    for_each = var.proxies_instance_refresh ? ["rolling"] : []

    content {
      strategy = "Rolling"

      # One at a time, the new one first: what a proxy keeps in memory goes with it, and if all
      # went at once the web servers would get every request.
      preferences {
        instance_warmup        = var.proxies_warmup_seconds
        max_healthy_percentage = 110
        min_healthy_percentage = 100
      }
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = "${local.name}-proxies" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # the launch template tags the proxies
    }
  }

  # What a proxy needs within its first minutes comes first; see proxies.launch.tf.
  depends_on = [terraform_data.proxies_needs]

  lifecycle {
    # The policy below decides it once the group is there.
    ignore_changes = [desired_capacity]

    precondition {
      condition     = length(setsubtract(local.proxies_zones, data.aws_ec2_instance_type_offerings.proxies.locations)) == 0
      error_message = "${var.proxies_instance_type} is not offered in ${join(", ", setsubtract(local.proxies_zones, data.aws_ec2_instance_type_offerings.proxies.locations))}: choose another proxies_instance_type, or name that zone in network_excluded_zones."
    }
  }
}

resource "aws_autoscaling_policy" "proxies_cpu" {
  name                      = "${local.name}-proxies-cpu"
  autoscaling_group_name    = aws_autoscaling_group.proxies.name
  policy_type               = "TargetTrackingScaling"
  estimated_instance_warmup = var.proxies_warmup_seconds

  target_tracking_configuration {
    target_value = var.proxies_cpu_percent

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

# Every request passes a proxy: with one left, the next failure stops everything.
resource "aws_cloudwatch_metric_alarm" "proxies_last" {
  alarm_name          = "${local.name}-proxies-last"
  alarm_description   = "One healthy proxy or none, for three minutes: the next failure stops everything. See docs/components/proxies.md, 'When a proxy is missing'."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 2
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching" # with no proxy registered at all there is no value
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dimensions = {
    LoadBalancer = aws_lb.load_balancer.arn_suffix
    TargetGroup  = aws_lb_target_group.proxies.arn_suffix
  }
}

resource "aws_cloudwatch_metric_alarm" "proxies_in_service" {
  alarm_name          = "${local.name}-proxies-in-service"
  alarm_description   = "Fewer than ${var.proxies_minimum} proxies in service for five minutes. See docs/components/proxies.md, 'When a proxy is missing'."
  namespace           = "AWS/AutoScaling"
  metric_name         = "GroupInServiceInstances"
  dimensions          = { AutoScalingGroupName = aws_autoscaling_group.proxies.name }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = var.proxies_minimum
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching" # a group that reports nothing is in no better state
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
