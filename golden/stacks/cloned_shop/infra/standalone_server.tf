# A server with a name: it stays, and so does its disk. Nothing replaces it by itself; a
# machine that breaks is moved to another host, with its disk and its private address.

locals {
  standalone_server_architecture = contains(data.aws_ec2_instance_type.standalone_server.supported_architectures, "arm64") ? "arm64" : "x86_64"
  standalone_server_port         = 8000

  # Where each server stands. Its disks are in the same zone, so that is chosen once.
  standalone_server_zones = {
    main = local.network_zones[0]
  }
  standalone_server_names   = { for name in keys(local.standalone_server_zones) : name => "${local.name}-standalone-server-${name}" }
  standalone_server_zone    = local.standalone_server_zones["main"]
  standalone_server_subnets = { for name, zone in local.standalone_server_zones : name => aws_subnet.network_private[zone] }
}

data "aws_ec2_instance_type" "standalone_server" {
  instance_type = var.standalone_server_instance_type
}

data "aws_ec2_instance_type_offerings" "standalone_server" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [var.standalone_server_instance_type]
  }
}

# What a server made anew starts from; one that runs is patched in place.
data "aws_ssm_parameter" "standalone_server_base_image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.standalone_server_architecture}"
}

data "aws_iam_policy_document" "standalone_server_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.${data.aws_partition.current.dns_suffix}"]
    }
  }
}

# Each part of the system attaches the policy it needs, and no other.
resource "aws_iam_role" "standalone_server" {
  name               = "${local.name}-standalone-server"
  description        = "What the standalone server of ${local.name} may do"
  assume_role_policy = data.aws_iam_policy_document.standalone_server_trust.json
}

# Session Manager, and the setup that a document sends. The managed policy
# AmazonSSMManagedInstanceCore would also let it read every parameter of the account.
data "aws_iam_policy_document" "standalone_server" {
  statement {
    sid = "BeReached"
    actions = [
      "ec2messages:AcknowledgeMessage",
      "ec2messages:DeleteMessage",
      "ec2messages:FailMessage",
      "ec2messages:GetEndpoint",
      "ec2messages:GetMessages",
      "ec2messages:SendReply",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"] # these actions know no narrower resource
  }

  # Its own id and that of its association are not known beforehand.
  statement {
    sid = "TellHowItIs"
    actions = [
      "ssm:ListInstanceAssociations",
      "ssm:UpdateInstanceAssociationStatus",
      "ssm:UpdateInstanceInformation",
    ]
    resources = [
      "arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:instance/*",
      "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:association/*",
    ]
  }

  statement {
    sid       = "ReadSetupDocument"
    actions   = ["ssm:DescribeDocument", "ssm:GetDocument"]
    resources = [aws_ssm_document.standalone_server.arn]
  }

  # The server says each minute whether its application answers, and how its last setup ended.
  statement {
    sid       = "SayWhetherItAnswers"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # it knows no narrower resource, hence the condition

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [local.setup_project]
    }
  }
}

resource "aws_iam_role_policy" "standalone_server" {
  name   = "standalone-server"
  role   = aws_iam_role.standalone_server.id
  policy = data.aws_iam_policy_document.standalone_server.json
}

resource "aws_iam_instance_profile" "standalone_server" {
  name = "${local.name}-standalone-server"
  role = aws_iam_role.standalone_server.name
}

# No way in by itself: whoever sends requests to the server brings the rule for it.
resource "aws_security_group" "standalone_server" {
  name        = "${local.name}-standalone-server"
  description = "The standalone server of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-standalone-server" }
}

resource "aws_vpc_security_group_egress_rule" "standalone_server_https" {
  security_group_id = aws_security_group.standalone_server.id
  description       = "HTTPS to AWS APIs and package repositories"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# Which machines the disk of the server can run on: decided when it was made, whatever the type is now.
resource "terraform_data" "standalone_server_architecture" {
  input = local.standalone_server_architecture

  lifecycle {
    ignore_changes = [input]
  }
}

# In which zone each server was made. Its disks are there, and another zone is another server.
resource "terraform_data" "standalone_server_zone" {
  for_each = local.standalone_server_zones

  input = each.value

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_instance" "standalone_server" {
  # checkov:skip=CKV_AWS_135: it is on for every type that knows it
  for_each = local.standalone_server_zones

  ami                     = coalesce(local.setup_image_id, data.aws_ssm_parameter.standalone_server_base_image.insecure_value)
  instance_type           = var.standalone_server_instance_type
  subnet_id               = local.standalone_server_subnets[each.key].id
  vpc_security_group_ids  = [aws_security_group.standalone_server.id]
  iam_instance_profile    = aws_iam_instance_profile.standalone_server.name
  user_data               = local.setup_user_data["standalone_server"]
  disable_api_termination = var.standalone_server_termination_protection
  ebs_optimized           = data.aws_ec2_instance_type.standalone_server.ebs_optimized_support != "unsupported"
  monitoring              = var.standalone_server_detailed_monitoring

  # A stop from within, such as `poweroff`, must not be the end of it.
  instance_initiated_shutdown_behavior = "stop"

  root_block_device {
    delete_on_termination = true
    encrypted             = true
    volume_size           = var.standalone_server_volume_gib
    volume_type           = "gp3"

    tags = merge(local.tags, { Name = local.standalone_server_names[each.key] })
  }

  # Version 2 only, and not through a second hop: a request that tricks the application
  # into fetching an address cannot fetch the role's keys. All servers are set up alike; by the tags
  # that stand there, too, one knows which it is.
  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
    instance_metadata_tags      = "enabled"
  }

  tags = { Name = local.standalone_server_names[each.key] }

  depends_on = [terraform_data.standalone_server_needs]

  lifecycle {
    # Another image would replace the server and throw its disk away, other user data would
    # stop it for nothing, as it is run once only. docs/components/standalone_server.md says
    # how a change gets there instead.
    ignore_changes = [ami, user_data]

    precondition {
      condition     = contains(data.aws_ec2_instance_type.standalone_server.supported_architectures, terraform_data.standalone_server_architecture.output)
      error_message = "${var.standalone_server_instance_type} is a machine for ${join(", ", data.aws_ec2_instance_type.standalone_server.supported_architectures)}, but the server's disk is made for ${terraform_data.standalone_server_architecture.output}: choose another standalone_server_instance_type. docs/components/standalone_server.md says how to change over."
    }

    precondition {
      condition     = each.value == terraform_data.standalone_server_zone[each.key].output
      error_message = "Server ${each.key} is in ${terraform_data.standalone_server_zone[each.key].output}; in ${each.value} it would be another one, with empty disks. Take ${terraform_data.standalone_server_zone[each.key].output} out of network_excluded_zones, or see 'Made anew' in docs/components/standalone_server.md."
    }

    precondition {
      condition     = contains(data.aws_ec2_instance_type_offerings.standalone_server.locations, each.value)
      error_message = "${var.standalone_server_instance_type} is not offered in ${each.value}, where the server stands: choose another standalone_server_instance_type."
    }
  }
}

# A broken host: EC2 moves the server to another one, with its disk and its private address.
resource "aws_cloudwatch_metric_alarm" "standalone_server_host" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-standalone-server-${each.key}-host"
  alarm_description   = "The host of server ${each.value.id} is broken; EC2 moves the server to another one. See docs/components/standalone_server.md."
  namespace           = "AWS/EC2"
  metric_name         = "StatusCheckFailed_System"
  dimensions          = { InstanceId = each.value.id }
  statistic           = "Minimum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 2
  treat_missing_data  = "missing" # a stopped server is checked by nobody and needs no other host
  alarm_actions = [
    "arn:${data.aws_partition.current.partition}:automate:${data.aws_region.current.id}:ec2:recover",
    aws_sns_topic.alarms.arn,
  ]
  ok_actions = [aws_sns_topic.alarms.arn]
}

# A broken operating system: a restart mends most of it. Later than the alarm above, since a
# broken host fails this check too.
resource "aws_cloudwatch_metric_alarm" "standalone_server_system" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-standalone-server-${each.key}-system"
  alarm_description   = "The operating system of server ${each.value.id} does not answer, or a disk of it does not; EC2 restarts it. See docs/components/standalone_server.md."
  namespace           = "AWS/EC2"
  metric_name         = "StatusCheckFailed_Instance"
  dimensions          = { InstanceId = each.value.id }
  statistic           = "Minimum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "missing"
  alarm_actions = [
    "arn:${data.aws_partition.current.partition}:automate:${data.aws_region.current.id}:ec2:reboot",
    aws_sns_topic.alarms.arn,
  ]
  ok_actions = [aws_sns_topic.alarms.arn]
}

# No load balancer asks this server how it is, so it tells: an answer counts as 1, and saying
# nothing is as bad as saying 0.
resource "aws_cloudwatch_metric_alarm" "standalone_server_answers" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-standalone-server-${each.key}-answers"
  alarm_description   = "The application of server ${each.value.id} has not answered for five minutes, or its setup failed, or it is stopped. See docs/components/standalone_server.md."
  namespace           = local.setup_project
  metric_name         = "ApplicationAnswers"
  dimensions          = { InstanceId = each.value.id }
  statistic           = "Maximum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# A release that fails leaves the one before it running, which answers as if nothing were. Who is
# silent is told of by the alarm above.
resource "aws_cloudwatch_metric_alarm" "standalone_server_setup" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-standalone-server-${each.key}-setup"
  alarm_description   = "The last setup of server ${each.value.id} failed: it runs, if at all, what was there before. See docs/components/standalone_server.md."
  namespace           = local.setup_project
  metric_name         = "SetupFailed"
  dimensions          = { InstanceId = each.value.id }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "standalone_server_cpu" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-standalone-server-${each.key}-cpu"
  alarm_description   = "Server ${each.value.id} has used ${var.standalone_server_cpu_percent} % of its CPU or more for 15 minutes. See docs/components/standalone_server.md."
  namespace           = "AWS/EC2"
  metric_name         = "CPUUtilization"
  dimensions          = { InstanceId = each.value.id }
  statistic           = "Average"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.standalone_server_cpu_percent
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
