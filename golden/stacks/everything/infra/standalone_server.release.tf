# The same that user data does, for a server that runs: a new version of this document is a
# release, and an old one is gone back to by going back in this repository.
resource "aws_ssm_document" "standalone_server" {
  name            = "${local.name}-standalone-server-setup"
  document_type   = "Command"
  document_format = "JSON"
  target_type     = "/AWS::EC2::Instance"

  content = jsonencode({
    schemaVersion = "2.2"
    description   = "Sets the standalone server of ${local.name} up with what this repository holds now"
    mainSteps = [{
      action = "aws:runShellScript"
      name   = "setup"
      inputs = {
        timeoutSeconds = tostring(var.setup_minutes * 60)
        # Its first start runs the same; the two must not meet.
        runCommand = concat(["#!/bin/bash", "cloud-init status --wait >/dev/null || true"], split("\n", local.setup_user_data["standalone_server"]))
      }
    }]
  })
}

# Runs it when a server comes up and whenever the document has a new version.
resource "aws_ssm_association" "standalone_server" {
  count = var.standalone_server_follow ? 1 : 0

  name             = aws_ssm_document.standalone_server.name
  association_name = "${local.name}-standalone-server-setup"
  document_version = aws_ssm_document.standalone_server.latest_version
  max_concurrency  = "1" # one after the other where there are two: one of them always answers
  max_errors       = "0"

  targets {
    key    = "InstanceIds"
    values = [for server in aws_instance.standalone_server : server.id]
  }
}
