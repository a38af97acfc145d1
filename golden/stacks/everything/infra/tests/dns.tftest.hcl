mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "the_name_users_type_leads_somewhere_once" {
  assert {
    condition     = length([for name in values(local.dns_names) : name if name == var.dns_domain]) == 1
    error_message = "${var.dns_domain} leads to ${length([for name in values(local.dns_names) : name if name == var.dns_domain])} places"
  }

  assert {
    condition     = output.dns_url == "https://shop.example.com"
    error_message = "dns_url is ${output.dns_url}"
  }
}

run "edge_has_its_records_and_its_certificate" {
  assert {
    condition     = toset([for record in aws_route53_record.dns_edge : record.type]) == toset(["A", "AAAA"]) && alltrue([for record in aws_route53_record.dns_edge : record.name == local.dns_names.edge && record.alias[0].name == aws_cloudfront_distribution.edge.domain_name])
    error_message = "the records of ${local.dns_names.edge} are missing or lead elsewhere"
  }

  assert {
    condition     = aws_acm_certificate.dns_edge.domain_name == local.dns_names.edge && aws_acm_certificate.dns_edge.validation_method == "DNS"
    error_message = "the certificate is for ${aws_acm_certificate.dns_edge.domain_name}"
  }
}

run "load_balancer_has_its_records_and_its_certificate" {
  assert {
    condition     = toset([for record in aws_route53_record.dns_load_balancer : record.type]) == toset(["A"]) && alltrue([for record in aws_route53_record.dns_load_balancer : record.name == local.dns_names.load_balancer && record.alias[0].name == aws_lb.load_balancer.dns_name])
    error_message = "the records of ${local.dns_names.load_balancer} are missing or lead elsewhere"
  }

  assert {
    condition     = aws_acm_certificate.dns_load_balancer.domain_name == local.dns_names.load_balancer && aws_acm_certificate.dns_load_balancer.validation_method == "DNS"
    error_message = "the certificate is for ${aws_acm_certificate.dns_load_balancer.domain_name}"
  }
}

run "every_name_of_a_certificate_has_one_validation_record" {
  assert {
    condition = toset(keys(aws_route53_record.dns_validation)) == toset(flatten([
      for certificate in [aws_acm_certificate.dns_edge, aws_acm_certificate.dns_load_balancer] : concat([certificate.domain_name], try(tolist(certificate.subject_alternative_names), []))
    ]))
    error_message = "validation records are for ${join(", ", keys(aws_route53_record.dns_validation))}"
  }

  assert {
    condition     = alltrue([for name, record in aws_route53_record.dns_validation : record.name == "_1.${name}." && record.records == toset(["_2.${name}.acm-validations.aws."])])
    error_message = "a name is validated by another one's record"
  }
}

run "the_zone_is_the_one_that_was_named" {
  command = plan

  variables {
    dns_zone = "example.com"
  }

  assert {
    condition     = data.aws_route53_zone.dns.name == "example.com"
    error_message = "records would go to ${data.aws_route53_zone.dns.name}"
  }
}

run "a_zone_of_another_domain_is_refused" {
  command = plan

  variables {
    dns_zone = "ample.com"
  }

  expect_failures = [var.dns_zone]
}

run "an_address_with_a_scheme_is_refused" {
  command = plan

  variables {
    dns_domain = "https://shop.example.com"
  }

  expect_failures = [var.dns_domain]
}
