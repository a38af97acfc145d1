# A new server counts only once its setup said so. A roll waits for that, so a change that
# does not come up takes no working server with it, and a server that failed is replaced.

locals {
  servers_group_name = "${local.name}-servers"

  # The group has the hook from its first server on; the resource below keeps it up to date,
  # for of a group that is there already Terraform changes no hook.
  servers_launch_hook = {
    name                 = local.setup_launch_hook
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    default_result       = "ABANDON"
    heartbeat_timeout    = var.setup_minutes * 60
  }
}

resource "aws_autoscaling_lifecycle_hook" "servers" {
  name                   = local.servers_launch_hook.name
  autoscaling_group_name = aws_autoscaling_group.servers.name
  lifecycle_transition   = local.servers_launch_hook.lifecycle_transition
  default_result         = local.servers_launch_hook.default_result
  heartbeat_timeout      = local.servers_launch_hook.heartbeat_timeout
}

# By its name and not by its ARN: the first server answers while its group is being made.
data "aws_iam_policy_document" "servers_launch_hook" {
  statement {
    sid       = "AnswerLaunchHook"
    actions   = ["autoscaling:CompleteLifecycleAction"]
    resources = ["arn:${data.aws_partition.current.partition}:autoscaling:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:autoScalingGroup:*:autoScalingGroupName/${local.servers_group_name}"]
  }

  statement {
    sid       = "FindOwnGroup"
    actions   = ["autoscaling:DescribeAutoScalingInstances"]
    resources = ["*"] # a list action, it knows no narrower resource
  }
}

resource "aws_iam_role_policy" "servers_launch_hook" {
  name   = "launch-hook"
  role   = aws_iam_role.servers.id
  policy = data.aws_iam_policy_document.servers_launch_hook.json
}
