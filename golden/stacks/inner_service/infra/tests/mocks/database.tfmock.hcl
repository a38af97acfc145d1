mock_resource "aws_db_instance" {
  defaults = {
    address            = "mock.abc123.eu-central-1.rds.amazonaws.com"
    arn                = "arn:aws:rds:eu-central-1:123456789012:db:mock"
    master_user_secret = [{ kms_key_id = "arn:aws:kms:eu-central-1:123456789012:key/mock", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-mock-abcdef", secret_status = "active" }]
  }
}
