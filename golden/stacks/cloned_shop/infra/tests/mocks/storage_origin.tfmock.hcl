mock_resource "aws_cloudfront_origin_access_control" {
  defaults = {
    id = "E327GJI25M56DG"
  }
}
