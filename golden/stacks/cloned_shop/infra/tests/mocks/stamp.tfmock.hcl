mock_data "aws_ami" {
  defaults = {
    creation_date = "2099-01-01T00:00:00.000Z"
    id            = "ami-0feedfacefeedface"
  }
}

mock_resource "aws_imagebuilder_component" {
  defaults = {
    arn = "arn:aws:imagebuilder:eu-central-1:123456789012:component/mock/1.0.0/1"
  }
}

mock_resource "aws_imagebuilder_distribution_configuration" {
  defaults = {
    arn = "arn:aws:imagebuilder:eu-central-1:123456789012:distribution-configuration/mock"
  }
}

mock_resource "aws_imagebuilder_image_recipe" {
  defaults = {
    arn = "arn:aws:imagebuilder:eu-central-1:123456789012:image-recipe/mock/1.0.0"
  }
}

mock_resource "aws_imagebuilder_infrastructure_configuration" {
  defaults = {
    arn = "arn:aws:imagebuilder:eu-central-1:123456789012:infrastructure-configuration/mock"
  }
}
