# A fleet of equal servers. Nothing on one of them is worth keeping: a broken server
# is replaced, and a change reaches the fleet as new servers, a few at a time.

locals {
  servers_architecture = contains(data.aws_ec2_instance_type.servers.supported_architectures, "arm64") ? "arm64" : "x86_64"
  servers_port         = 8000
  servers_zones        = [for index, zone in local.network_zones : zone if index < local.servers_zone_count]
}

data "aws_ec2_instance_type" "servers" {
  instance_type = var.servers_instance_type
}

# Not every zone has machines of every type.
data "aws_ec2_instance_type_offerings" "servers" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [var.servers_instance_type]
  }
}

# Amazon publishes a patched image every other week or so. The next plan shows it, and
# its apply rolls the fleet: patching is something one sees and decides.
data "aws_ssm_parameter" "servers_base_image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.servers_architecture}"
}

data "aws_iam_policy_document" "servers_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.${data.aws_partition.current.dns_suffix}"]
    }
  }
}

# Each part of the system attaches the policy it needs, and no other.
resource "aws_iam_role" "servers" {
  name               = "${local.name}-servers"
  description        = "What the servers of ${local.name} may do"
  assume_role_policy = data.aws_iam_policy_document.servers_trust.json
}

# Just what Session Manager needs. The managed policy AmazonSSMManagedInstanceCore
# would also let the servers read every parameter of the account.
data "aws_iam_policy_document" "servers_session_manager" {
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

resource "aws_iam_role_policy" "servers_session_manager" {
  name   = "session-manager"
  role   = aws_iam_role.servers.id
  policy = data.aws_iam_policy_document.servers_session_manager.json
}

resource "aws_iam_instance_profile" "servers" {
  name = "${local.name}-servers"
  role = aws_iam_role.servers.name
}

# No way in by itself: whoever sends requests to the servers brings the rule for it.
resource "aws_security_group" "servers" {
  name        = "${local.name}-servers"
  description = "The fleet of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-servers" }
}

# AWS APIs, package repositories and Python packages. DNS, time and instance metadata
# are Amazon's own and pass every security group.
resource "aws_vpc_security_group_egress_rule" "servers_https" {
  security_group_id = aws_security_group.servers.id
  description       = "HTTPS to AWS APIs and package repositories"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_launch_template" "servers" {
  name                   = "${local.name}-servers"
  description            = "A server of ${local.name}"
  image_id               = coalesce(local.setup_image_id, data.aws_ssm_parameter.servers_base_image.insecure_value)
  instance_type          = var.servers_instance_type
  update_default_version = true
  user_data              = base64encode(local.setup_user_data["servers"])
  vpc_security_group_ids = [aws_security_group.servers.id]

  block_device_mappings {
    device_name = "/dev/xvda" # the root of Amazon Linux 2023

    ebs {
      delete_on_termination = true
      encrypted             = true
      volume_size           = var.servers_volume_gib
      volume_type           = "gp3"
    }
  }

  iam_instance_profile {
    arn = aws_iam_instance_profile.servers.arn
  }

  # Version 2 only, and not through a second hop: a request that tricks the application
  # into fetching an address cannot fetch the role's keys.
  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
  }

  monitoring {
    enabled = true # a value a minute; with one in five minutes an alarm comes too late
  }

  # The provider's default tags reach only what Terraform itself creates.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(local.tags, { Name = "${local.name}-server" })
    }
  }
}

resource "aws_autoscaling_group" "servers" {
  name                = local.servers_group_name
  min_size            = local.servers_minimum
  max_size            = local.servers_maximum
  desired_capacity    = local.servers_minimum
  vpc_zone_identifier = [for zone in local.servers_zones : aws_subnet.network_private[zone].id]

  # EC2 health replaces a server whose machine is broken. A load balancer's check
  # decides about requests only: if it also replaced servers, one failed dependency
  # of the application would relaunch the whole fleet.
  health_check_type = "EC2"

  # An apply that makes the fleet larger waits until the new servers have set themselves up.
  wait_for_capacity_timeout = "${var.setup_minutes + 5}m"

  # What alarms watch; without this list the group reports nothing.
  enabled_metrics = [
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupTerminatingInstances",
  ]

  initial_lifecycle_hook {
    name                 = local.servers_launch_hook.name
    lifecycle_transition = local.servers_launch_hook.lifecycle_transition
    default_result       = local.servers_launch_hook.default_result
    heartbeat_timeout    = local.servers_launch_hook.heartbeat_timeout
  }

  launch_template {
    id      = aws_launch_template.servers.id
    version = aws_launch_template.servers.latest_version
  }

  dynamic "instance_refresh" {
    for_each = var.servers_instance_refresh ? ["rolling"] : []

    content {
      strategy = "Rolling"

      # The new server comes first, so the fleet is never smaller than it should be.
      preferences {
        instance_warmup        = var.servers_warmup_seconds
        max_healthy_percentage = 110
        min_healthy_percentage = 100
      }
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = "${local.name}-servers" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # the launch template tags the servers
    }
  }

  # What a server needs within its first minutes comes first; see servers.needs.tf.
  depends_on = [terraform_data.servers_needs]

  lifecycle {
    precondition {
      condition     = length(setsubtract(local.servers_zones, data.aws_ec2_instance_type_offerings.servers.locations)) == 0
      error_message = "${var.servers_instance_type} is not offered in ${join(", ", setsubtract(local.servers_zones, data.aws_ec2_instance_type_offerings.servers.locations))}: choose another servers_instance_type, or name that zone in network_excluded_zones."
    }
  }
}

# The number that is never to be undercut, whatever the fleet may grow to.
resource "aws_cloudwatch_metric_alarm" "servers_in_service" {
  alarm_name          = "${local.name}-servers-in-service"
  alarm_description   = "Fewer than ${local.servers_minimum} servers in service for five minutes. See the activity history of Auto Scaling group ${aws_autoscaling_group.servers.name}."
  namespace           = "AWS/AutoScaling"
  metric_name         = "GroupInServiceInstances"
  dimensions          = { AutoScalingGroupName = aws_autoscaling_group.servers.name }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = local.servers_minimum
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching" # a group that reports nothing is in no better state
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
