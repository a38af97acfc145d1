# What only a server itself can see, such as memory and file systems, it reports through the
# CloudWatch agent. What is measured stands in servers/setup/configure/metrics, one file for
# each part of the system that asks for something. Alarms read the same files, so both agree.

locals {
  server_metrics_common = jsondecode(file("${local.setup_root}/servers/setup/configure/metrics/server_metrics.json"))

  # The heading the metrics stand under in CloudWatch.
  server_metrics_namespace = local.server_metrics_common.metrics.namespace
}

data "aws_iam_policy_document" "server_metrics" {
  statement {
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # it knows no narrower resource, hence the condition

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [local.server_metrics_namespace]
    }
  }
}

resource "aws_iam_role_policy" "server_metrics" {
  for_each = local.setup_all_roles

  name   = "server-metrics"
  role   = each.value
  policy = data.aws_iam_policy_document.server_metrics.json
}
