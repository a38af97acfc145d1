mock_resource "aws_instance" {
  defaults = {
    id         = "i-0123456789abcdef0"
    private_ip = "10.0.0.10"
  }
}

mock_resource "aws_ssm_document" {
  defaults = {
    arn            = "arn:aws:ssm:eu-central-1:123456789012:document/mock"
    latest_version = "3"
  }
}
