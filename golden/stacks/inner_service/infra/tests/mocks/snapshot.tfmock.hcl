mock_resource "aws_backup_selection" {
  defaults = {
    id = "11111111-2222-3333-4444-555555555555"
  }
}

mock_resource "aws_cloudformation_stack" {
  defaults = {
    outputs = { PolicyId = "policy-0123456789abcdef0" }
  }
}
