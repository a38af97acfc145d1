mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn            = "arn:aws:cloudfront::123456789012:distribution/E2EXAMPLE0MOCK"
    domain_name    = "d111111abcdef8.cloudfront.net"
    hosted_zone_id = "Z2FDTNDATAQYW2"
    id             = "E2EXAMPLE0MOCK"
  }
}

mock_resource "aws_cloudwatch_log_delivery_destination" {
  defaults = {
    arn = "arn:aws:logs:us-east-1:123456789012:delivery-destination:mock"
  }
}

mock_resource "aws_cloudwatch_log_delivery_source" {
  defaults = {
    arn = "arn:aws:logs:us-east-1:123456789012:delivery-source:mock"
  }
}
