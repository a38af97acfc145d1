mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "cloudfront_alone_may_knock" {
  assert {
    condition     = aws_vpc_security_group_ingress_rule.edge_entry.prefix_list_id == data.aws_ec2_managed_prefix_list.edge_entry.id && aws_vpc_security_group_ingress_rule.edge_entry.cidr_ipv4 == null && aws_vpc_security_group_ingress_rule.edge_entry.cidr_ipv6 == null
    error_message = "others than CloudFront reach the load balancer"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.edge_entry.from_port == local.load_balancer_port && aws_vpc_security_group_ingress_rule.edge_entry.to_port == local.load_balancer_port
    error_message = "the listener's port is not the one that is open"
  }
}

run "only_with_the_secret_it_is_let_in" {
  assert {
    condition     = [for condition in aws_lb_listener_rule.edge_entry.condition : nonsensitive(condition.http_header[0].values)] == [toset([terraform_data.edge_entry_secret["first"].output])]
    error_message = "the rule asks for something else than the secret"
  }

  assert {
    condition = anytrue([
      for origin in aws_cloudfront_distribution.edge.origin : anytrue([
        for header in origin.custom_header : header.name == local.edge_entry_header && header.value == terraform_data.edge_entry_secret["first"].output
      ])
    ])
    error_message = "CloudFront does not send the secret"
  }
}

run "a_second_apply_keeps_the_secret" {
  assert {
    condition     = terraform_data.edge_entry_secret["first"].output == run.only_with_the_secret_it_is_let_in.edge_entry_secret
    error_message = "the secret changed by itself"
  }
}

run "during_a_change_both_secrets_are_taken_and_the_new_one_is_sent" {
  variables {
    edge_entry_secrets = ["first", "second"]
  }

  assert {
    condition     = toset(nonsensitive(local.edge_entry_known)) == toset([run.only_with_the_secret_it_is_let_in.edge_entry_secret, terraform_data.edge_entry_secret["second"].output])
    error_message = "requests that are under way with the old secret are turned away"
  }

  assert {
    condition     = nonsensitive(local.edge_entry_sent) == terraform_data.edge_entry_secret["second"].output && terraform_data.edge_entry_secret["second"].output != terraform_data.edge_entry_secret["first"].output
    error_message = "the old secret is still the one that is sent"
  }
}

run "no_secret_at_all_is_refused" {
  command = plan

  variables {
    edge_entry_secrets = []
  }

  expect_failures = [var.edge_entry_secrets]
}

run "one_secret_under_two_names_is_refused" {
  command = plan

  variables {
    edge_entry_secrets = ["first", "first"]
  }

  expect_failures = [var.edge_entry_secrets]
}
