mock_data "aws_route53_zone" {
  defaults = {
    zone_id = "Z0123456789MOCK"
  }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    domain_validation_options = [
      {
        domain_name           = "shop.example.com"
        resource_record_name  = "_1.shop.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_2.shop.example.com.acm-validations.aws."
      },
      {
        domain_name           = "origin.shop.example.com"
        resource_record_name  = "_1.origin.shop.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_2.origin.shop.example.com.acm-validations.aws."
      },
    ]
  }
}

mock_resource "aws_acm_certificate_validation" {
  defaults = {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
  }
}
