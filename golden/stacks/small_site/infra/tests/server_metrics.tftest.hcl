mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "servers_report_into_one_namespace_only" {
  assert {
    condition     = one(one(data.aws_iam_policy_document.server_metrics.statement).condition).values == tolist([local.server_metrics_namespace]) && one(data.aws_iam_policy_document.server_metrics.statement).actions == toset(["cloudwatch:PutMetricData"])
    error_message = "servers may report under names that are not theirs"
  }

  assert {
    condition     = keys(aws_iam_role_policy.server_metrics) == keys(local.setup_all_roles)
    error_message = "a kind of servers may report nothing"
  }
}

run "what_is_measured_is_told_apart_by_server_alone" {
  assert {
    condition     = join(" ", keys(local.server_metrics_common.metrics.append_dimensions)) == "InstanceId" && local.server_metrics_common.agent.omit_hostname
    error_message = "metrics carry more than the server's id, so no alarm would find them"
  }
}

run "the_agent_and_what_it_measures_reach_the_server" {
  assert {
    condition     = contains(local.setup_bundle_files, "servers/setup/configure/any/70-metrics.sh")
    error_message = "the bundle does not start the agent"
  }

  assert {
    condition     = contains(local.setup_bundle_files, "servers/setup/configure/metrics/server_metrics.json")
    error_message = "the bundle does not say what to measure"
  }
}
