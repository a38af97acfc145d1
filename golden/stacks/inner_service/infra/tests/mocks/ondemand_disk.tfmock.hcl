mock_data "aws_ebs_volumes" {
  defaults = {
    ids = []
  }
}

mock_resource "aws_ebs_volume" {
  defaults = {
    id = "vol-0123456789abcdef0"
  }
}
