# Names in a hosted zone that is already there, and certificates for them. ACM renews
# a certificate by itself for as long as its validation record stands.

data "aws_route53_zone" "dns" {
  name         = coalesce(var.dns_zone, var.dns_domain)
  private_zone = false
}

locals {
  dns_names = {
    edge          = var.dns_domain
    load_balancer = "origin.${var.dns_domain}"
  }
}

resource "aws_acm_certificate" "dns_edge" {
  provider = aws.us_east_1

  domain_name       = local.dns_names.edge
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true # it is in use until its successor is
  }
}

resource "aws_acm_certificate" "dns_load_balancer" {
  domain_name               = local.dns_names.load_balancer
  subject_alternative_names = [var.dns_domain]
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true # it is in use until its successor is
  }
}

# A name has the same record in every certificate of an account, so one each is enough.
locals {
  dns_validation = { for option in flatten([
    [for option in aws_acm_certificate.dns_edge.domain_validation_options : option],
    [for option in aws_acm_certificate.dns_load_balancer.domain_validation_options : option],
  ]) : option.domain_name => option... }
}

resource "aws_route53_record" "dns_validation" {
  for_each = toset([
    local.dns_names.edge,
    local.dns_names.load_balancer,
    var.dns_domain,
  ])

  zone_id         = data.aws_route53_zone.dns.zone_id
  name            = local.dns_validation[each.key][0].resource_record_name
  type            = local.dns_validation[each.key][0].resource_record_type
  records         = [local.dns_validation[each.key][0].resource_record_value]
  ttl             = 300
  allow_overwrite = true # another stage under the same name may have brought it already
}

resource "aws_acm_certificate_validation" "dns_edge" {
  provider = aws.us_east_1

  certificate_arn         = aws_acm_certificate.dns_edge.arn
  validation_record_fqdns = [for record in aws_route53_record.dns_validation : record.fqdn]
}

resource "aws_acm_certificate_validation" "dns_load_balancer" {
  certificate_arn         = aws_acm_certificate.dns_load_balancer.arn
  validation_record_fqdns = [for record in aws_route53_record.dns_validation : record.fqdn]
}

resource "aws_route53_record" "dns_edge" {
  for_each = toset(["A", "AAAA"])

  zone_id = data.aws_route53_zone.dns.zone_id
  name    = local.dns_names.edge
  type    = each.key

  alias {
    name                   = aws_cloudfront_distribution.edge.domain_name
    zone_id                = aws_cloudfront_distribution.edge.hosted_zone_id
    evaluate_target_health = false # there is no second place to send users to
  }
}

resource "aws_route53_record" "dns_load_balancer" {
  for_each = toset(["A"])

  zone_id = data.aws_route53_zone.dns.zone_id
  name    = local.dns_names.load_balancer
  type    = each.key

  alias {
    name                   = aws_lb.load_balancer.dns_name
    zone_id                = aws_lb.load_balancer.zone_id
    evaluate_target_health = false # there is no second place to send users to
  }
}
