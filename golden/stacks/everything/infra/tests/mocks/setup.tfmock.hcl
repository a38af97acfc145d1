mock_resource "aws_autoscaling_group" {
  defaults = {
    arn = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:mock:autoScalingGroupName/mock"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn = "arn:aws:s3:::mock"
  }
}

mock_resource "aws_s3_object" {
  defaults = {
    version_id = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
  }
}
