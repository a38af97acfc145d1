# Varnish on each proxy answers what it has answered before, so that fewer web servers are needed.
# What it keeps and for whom stands in servers/setup/configure/proxies/cache/cache.vcl.

locals {
  # Names of cookies as one regular expression; a star stands for any end of a name.
  cache_proxy_ignored = join("|", [for name in var.cache_proxy_ignored_cookies : replace(name, "*", "[^=;]*")])
}

# Systems Manager asks the proxies to throw answers away. AmazonSSMManagedInstanceCore would do, but
# would also let a proxy read every parameter of the account.
data "aws_iam_policy_document" "cache_proxy" {
  statement {
    sid = "BeTold"
    actions = [
      "ec2messages:AcknowledgeMessage",
      "ec2messages:DeleteMessage",
      "ec2messages:FailMessage",
      "ec2messages:GetEndpoint",
      "ec2messages:GetMessages",
      "ec2messages:SendReply",
    ]
    resources = ["*"] # these actions know no narrower resource
  }
}

resource "aws_iam_role_policy" "cache_proxy" {
  name   = "run-command"
  role   = aws_iam_role.proxies.id
  policy = data.aws_iam_policy_document.cache_proxy.json
}
