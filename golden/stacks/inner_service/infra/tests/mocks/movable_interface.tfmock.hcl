mock_resource "aws_network_interface" {
  defaults = {
    arn        = "arn:aws:ec2:eu-central-1:123456789012:network-interface/eni-0123456789abcdef0"
    id         = "eni-0123456789abcdef0"
    private_ip = "10.0.0.50"
  }
}
