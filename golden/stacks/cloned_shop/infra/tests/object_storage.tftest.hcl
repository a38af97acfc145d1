mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "every_bucket_is_closed_to_the_public" {
  command = plan

  assert {
    condition     = toset(keys(aws_s3_bucket_public_access_block.object_storage)) == toset(keys(local.object_storage_buckets))
    error_message = "a bucket has no public access block"
  }

  assert {
    condition = alltrue([
      for block in aws_s3_bucket_public_access_block.object_storage :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "a bucket may be made public"
  }

  assert {
    condition     = alltrue([for owner in aws_s3_bucket_ownership_controls.object_storage : owner.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "objects of a bucket may have access lists of their own"
  }
}

run "every_bucket_is_encrypted_and_keeps_versions" {
  command = plan

  assert {
    condition     = { for id, each in aws_s3_bucket_server_side_encryption_configuration.object_storage : id => one(one(each.rule).apply_server_side_encryption_by_default).sse_algorithm } == { for id in keys(local.object_storage_buckets) : id => "AES256" }
    error_message = "a bucket holds files in the clear"
  }

  assert {
    condition     = { for id, each in aws_s3_bucket_versioning.object_storage : id => one(each.versioning_configuration).status } == { for id in keys(local.object_storage_buckets) : id => "Enabled" }
    error_message = "what is deleted from a bucket is gone at once"
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.object_storage : !bucket.force_destroy])
    error_message = "a destroy takes files away that nobody asked about"
  }
}

run "no_bucket_answers_over_a_connection_without_encryption" {
  assert {
    condition = {
      for id, document in data.aws_iam_policy_document.object_storage :
      id => [for statement in document.statement : [statement.effect, statement.actions, statement.resources, [for each in statement.condition : "${each.test} ${each.variable} ${join(",", each.values)}"]] if statement.sid == "EncryptedConnectionsOnly"]
      } == {
      for id, bucket in aws_s3_bucket.object_storage :
      id => [["Deny", toset(["s3:*"]), toset([bucket.arn, "${bucket.arn}/*"]), ["Bool aws:SecureTransport false"]]]
    }
    error_message = "files may travel in the clear"
  }

  assert {
    condition     = { for id, each in aws_s3_bucket_policy.object_storage : id => each.policy } == { for id, document in data.aws_iam_policy_document.object_storage : id => document.json }
    error_message = "a bucket has another policy than the one that was put together for it"
  }
}

run "what_was_replaced_goes_after_its_time" {
  command = plan

  variables {
    object_storage_keep_days = 7
  }

  assert {
    condition = alltrue([
      for each in aws_s3_bucket_lifecycle_configuration.object_storage :
      each.rule[0].status == "Enabled" && one(each.rule[0].noncurrent_version_expiration).noncurrent_days == 7 && one(each.rule[0].abort_incomplete_multipart_upload).days_after_initiation == 7
    ])
    error_message = "versions, or parts of broken uploads, are kept for another time"
  }
}

run "the_longest_names_fit_into_a_bucket_s" {
  command = plan

  variables {
    project     = "a-long-project-namex"
    environment = "staging1"
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.object_storage : can(regex("^[a-z0-9-]{1,36}-$", bucket.bucket_prefix)) && !strcontains(bucket.bucket_prefix, "--")])
    error_message = "S3 would refuse ${join(", ", [for bucket in aws_s3_bucket.object_storage : bucket.bucket_prefix])}"
  }
}

run "versions_that_are_gone_at_once_are_refused" {
  command = plan

  variables {
    object_storage_keep_days = 0
  }

  expect_failures = [var.object_storage_keep_days]
}
