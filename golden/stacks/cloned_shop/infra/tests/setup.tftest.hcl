mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "user_data_names_one_bundle" {
  assert {
    condition     = alltrue([for text in local.setup_user_data : strcontains(text, "export SETUP_SHA256='${sha256(aws_s3_object.setup.content)}'")])
    error_message = "user data does not hold the hash of the object it fetches"
  }

  assert {
    condition     = alltrue([for text in local.setup_user_data : strcontains(text, "export SETUP_VERSION='${aws_s3_object.setup.version_id}'")])
    error_message = "user data does not name the version of the object it fetches"
  }

  assert {
    condition     = length(local.setup_user_data) > 0 && alltrue([for kind, text in local.setup_user_data : strcontains(text, "export SETUP_KIND='${kind}'")])
    error_message = "user data does not say what kind of server it is for"
  }
}

run "only_who_is_waited_for_answers" {
  assert {
    condition     = alltrue([for kind, text in local.setup_user_data : strcontains(text, "export SETUP_LAUNCH_HOOK=") == contains(keys(local.setup_groups), kind)])
    error_message = "a server answers a group that it does not belong to, or lets its own wait"
  }
}

run "user_data_is_within_what_ec2_takes" {
  assert {
    condition     = alltrue([for text in local.setup_user_data : length(text) <= 16384])
    error_message = "user data has ${max([for text in local.setup_user_data : length(text)]...)} characters; EC2 takes 16,384"
  }

  assert {
    condition     = alltrue([for text in local.setup_user_data : startswith(text, "#!/bin/bash\n")])
    error_message = "cloud-init would not know user data for a script"
  }
}

run "settings_are_read_at_every_start" {
  assert {
    condition     = reverse(local.setup_boot_phases)[0] == "configure"
    error_message = "a start ends with ${reverse(local.setup_boot_phases)[0]}, not with configure"
  }
}

run "a_bundle_holds_what_its_phases_need" {
  assert {
    condition     = alltrue([for file in ["servers/setup/run", "servers/setup/lib.sh", "servers/setup/configure/80-settings.sh"] : contains(local.setup_bundle_files, file)])
    error_message = "the bundle lacks the runner or the settings"
  }

  assert {
    condition     = !contains(local.setup_boot_phases, "release") || contains(local.setup_bundle_files, "app/requirements.txt")
    error_message = "servers are to install a release that the bundle does not hold"
  }

  assert {
    condition     = length(regexall("/tests/|requirements-dev|__pycache__|/\\.", join("\n", local.setup_bundle_files))) == 0
    error_message = "the bundle holds tests or leavings of tools"
  }
}

run "a_server_that_stays_does_what_changes_after_it_was_made" {
  assert {
    condition     = alltrue([for kind, phases in local.setup_phases : strcontains(local.setup_user_data[kind], "\nexport SETUP_PHASES='${join(" ", phases)}'\n") && alltrue([for path, phase in local.setup_phase_of : contains(local.setup_bundle_files, path) if contains(phases, phase)])])
    error_message = "a server runs other phases than are meant for it, or the bundle lacks parts of them"
  }

  assert {
    condition     = alltrue([for kind, phases in local.setup_phases : contains(local.setup_group_kinds, kind) || contains(phases, "install") || !contains(phases, "release")])
    error_message = "a release would reach a server that lacks what is installed for it"
  }
}

run "the_bucket_is_closed" {
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.setup.block_public_acls,
      aws_s3_bucket_public_access_block.setup.block_public_policy,
      aws_s3_bucket_public_access_block.setup.ignore_public_acls,
      aws_s3_bucket_public_access_block.setup.restrict_public_buckets,
    ])
    error_message = "the bucket could be made public"
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.setup.versioning_configuration).status == "Enabled"
    error_message = "a replaced bundle would be lost"
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.setup.rule : length(rule.abort_incomplete_multipart_upload) == 1])
    error_message = "an upload that was broken off is kept and paid for, and nobody sees it"
  }
}

run "servers_may_read_their_bundle_and_settings_only" {
  assert {
    condition     = [for statement in data.aws_iam_policy_document.setup.statement : statement.resources] == [toset(["${aws_s3_bucket.setup.arn}/bundles/*"])] && [for statement in data.aws_iam_policy_document.setup.statement : statement.actions] == [toset(["s3:GetObjectVersion"])]
    error_message = "the setup policy allows more than reading the bundle"
  }

  assert {
    condition = [for statement in data.aws_iam_policy_document.setup_settings.statement : statement.resources] == [toset([
      "arn:aws:ssm:eu-central-1:123456789012:parameter/${var.project}/${var.environment}/app",
      "arn:aws:ssm:eu-central-1:123456789012:parameter/${var.project}/${var.environment}/app/*",
    ])] && [for statement in data.aws_iam_policy_document.setup_settings.statement : statement.actions] == [toset(["ssm:GetParametersByPath"])]
    error_message = "the settings policy allows more than reading the settings"
  }

  assert {
    condition     = keys(aws_iam_role_policy.setup) == keys(local.setup_all_roles) && toset(keys(local.setup_all_roles)) == toset(local.setup_kinds)
    error_message = "a kind of server may not fetch its bundle"
  }

  assert {
    condition     = keys(aws_iam_role_policy.setup_settings) == keys(local.setup_roles) && alltrue([for kind, text in local.setup_user_data : contains(keys(local.setup_roles), kind) != strcontains(text, "export SETUP_APPLICATION='no'")])
    error_message = "a server that runs no application may read its settings, or one that does may not"
  }
}

run "a_setup_of_a_day_is_refused" {
  command = plan

  variables {
    setup_minutes = 1440
  }

  expect_failures = [var.setup_minutes]
}

run "forgetting_a_bundle_at_once_is_refused" {
  command = plan

  variables {
    setup_rollback_days = 0
  }

  expect_failures = [var.setup_rollback_days]
}
