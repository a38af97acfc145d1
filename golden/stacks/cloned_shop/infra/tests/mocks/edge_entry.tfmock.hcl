mock_data "aws_ec2_managed_prefix_list" {
  defaults = {
    id = "pl-a3a144ca"
    entries = [
      { cidr = "13.124.199.0/24", description = "mock" },
      { cidr = "130.176.0.0/18", description = "mock" },
    ]
  }
}
