mock_resource "aws_eip" {
  defaults = {
    allocation_id = "eipalloc-0123456789abcdef0"
    arn           = "arn:aws:ec2:eu-central-1:123456789012:elastic-ip/eipalloc-0123456789abcdef0"
    public_dns    = "ec2-203-0-113-25.eu-central-1.compute.amazonaws.com"
    public_ip     = "203.0.113.25"
  }
}
