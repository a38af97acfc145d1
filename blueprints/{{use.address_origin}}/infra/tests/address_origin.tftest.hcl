mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "cloudfront_asks_the_address_and_is_let_in" {
  assert {
    condition     = one([for origin in aws_cloudfront_distribution.edge.origin : [origin.domain_name, origin.custom_origin_config[0].origin_protocol_policy] if origin.origin_id == "address"]) == [aws_eip.elastic_address.public_dns, "http-only"]
    error_message = "CloudFront asks somebody else, or in a way the server does not speak"
  }

  assert {
    condition     = aws_cloudfront_distribution.edge.default_cache_behavior[0].target_origin_id == "address"
    error_message = "what is not kept is asked of another origin"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.address_origin.prefix_list_id == "pl-a3a144ca" && aws_vpc_security_group_ingress_rule.address_origin.from_port == 80 && aws_vpc_security_group_ingress_rule.address_origin.to_port == 80
    error_message = "somebody else than CloudFront is let in, or at another port"
  }
}

run "cloudfront_is_believed_about_users" {
  command = plan

  assert {
    condition     = aws_ssm_parameter.address_origin.name == "${local.setup_settings_path}/trusted_proxies" && aws_ssm_parameter.address_origin.value == "13.124.199.0/24,130.176.0.0/18"
    error_message = "the application takes CloudFront for the user"
  }
}
