mock_data "aws_ec2_instance_type" {
  defaults = {
    default_vcpus           = 2
    supported_architectures = ["arm64"]
  }
}

mock_data "aws_ec2_instance_type_offerings" {
  defaults = {
    locations = ["eu-central-1a", "eu-central-1b", "eu-central-1c", "eu-central-1d", "eu-central-1e", "eu-central-1f"]
  }
}

mock_data "aws_ssm_parameter" {
  defaults = {
    insecure_value = "ami-0123456789abcdef0"
  }
}

mock_resource "aws_iam_instance_profile" {
  defaults = {
    arn = "arn:aws:iam::123456789012:instance-profile/mock"
  }
}

mock_resource "aws_autoscaling_group" {
  defaults = {
    arn = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:mock:autoScalingGroupName/mock"
  }
}

mock_resource "aws_s3_object" {
  defaults = {
    version_id = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
  }
}
