# A new proxy counts only once its setup said so: its programs took their configuration, and a
# request came through all of them.

locals {
  proxies_group_name = "${local.name}-proxies"

  # The group has the hook from its first proxy on; the resource below keeps it up to date,
  # for of a group that is there already Terraform changes no hook.
  proxies_launch_hook = {
    name                 = local.setup_launch_hook
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    default_result       = "ABANDON"
    heartbeat_timeout    = var.setup_minutes * 60
  }
}

resource "aws_autoscaling_lifecycle_hook" "proxies" {
  name                   = local.proxies_launch_hook.name
  autoscaling_group_name = aws_autoscaling_group.proxies.name
  lifecycle_transition   = local.proxies_launch_hook.lifecycle_transition
  default_result         = local.proxies_launch_hook.default_result
  heartbeat_timeout      = local.proxies_launch_hook.heartbeat_timeout
}

# By its name and not by its ARN: the first proxy answers while its group is being made.
data "aws_iam_policy_document" "proxies_launch_hook" {
  statement {
    sid       = "AnswerLaunchHook"
    actions   = ["autoscaling:CompleteLifecycleAction"]
    resources = ["arn:${data.aws_partition.current.partition}:autoscaling:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:autoScalingGroup:*:autoScalingGroupName/${local.proxies_group_name}"]
  }

  statement {
    sid       = "FindOwnGroup"
    actions   = ["autoscaling:DescribeAutoScalingInstances"]
    resources = ["*"] # a list action, it knows no narrower resource
  }
}

resource "aws_iam_role_policy" "proxies_launch_hook" {
  name   = "launch-hook"
  role   = aws_iam_role.proxies.id
  policy = data.aws_iam_policy_document.proxies_launch_hook.json
}

# What a proxy needs within its first minutes must be there before it starts, and may go only
# after it went.
resource "terraform_data" "proxies_needs" {
  depends_on = [
    aws_iam_role_policy.proxies_launch_hook,
    aws_iam_role_policy.proxies_session_manager,
    aws_route.network_nat,
    aws_route_table_association.network_private,
    aws_vpc_endpoint.network_gateway,
    aws_vpc_endpoint.network_interface,
    aws_vpc_security_group_egress_rule.proxies_https,
    terraform_data.setup_needs,
  ]
}
