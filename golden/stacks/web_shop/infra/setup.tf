# One recipe for servers: numbered parts in phases under servers/setup, which every part of
# the system adds to by bringing a file. What a server needs travels as one versioned object,
# named in the launch template by its version and its hash: a change of any file is a new
# version of the launch template, and an older version of that still finds what it was made for.

locals {
  setup_root = "${path.module}/.."

  # Names folders and the user on a server. Unit files hold it too, so it is no variable.
  setup_project = "shop"

  # Which phase a file is for. Files under servers/setup/<phase> say so themselves, the
  # runner and its library are for every phase, and all else is what a release is made of.
  setup_phase_of = {
    for path in setunion(fileset(local.setup_root, "app/**"), fileset(local.setup_root, "servers/**")) :
    path => try(one(regex("^servers/setup/([a-z]+)/", path)), startswith(path, "servers/setup/") ? "all" : "release")
    # Not the fetching itself, which is user data; nor tests, development tools and their leavings.
    if path != "servers/setup/fetch.sh" && length(regexall("(^|/)(\\.[^/]*|__pycache__|tests|venv|[^/]*\\.egg-info|[^/]*\\.pyc|requirements-dev\\.txt)(/|$)", path)) == 0
  }

  # What a server of each kind does as it starts, and one that stays whenever something changes.
  setup_phases = {
    for kind in local.setup_kinds : kind => contains(local.setup_group_kinds, kind) ? local.setup_boot_phases : local.setup_kept_phases
  }

  # Text stays text, so that a plan shows which line of which file will change.
  setup_bundle_files = [for path, phase in local.setup_phase_of : path if contains(concat(["all"], values(local.setup_phases)...), phase)]
  setup_bundle = jsonencode({
    text   = { for path in local.setup_bundle_files : path => file("${local.setup_root}/${path}") if can(file("${local.setup_root}/${path}")) }
    base64 = { for path in local.setup_bundle_files : path => filebase64("${local.setup_root}/${path}") if !can(file("${local.setup_root}/${path}")) }
  })

  # Every setting of the application is a parameter under this path.
  setup_settings_path = "/${var.project}/${var.environment}/app"

  setup_launch_hook = "${local.name}-setup"

  # EC2 takes 16 KB of user data, so it only fetches and starts the rest.
  setup_script = join("\n", [
    "export AWS_DEFAULT_REGION='${data.aws_region.current.id}'",
    "export SETUP_BUCKET='${aws_s3_object.setup.bucket}'",
    "export SETUP_KEY='${aws_s3_object.setup.key}'",
    "export SETUP_VERSION='${aws_s3_object.setup.version_id}'",
    "export SETUP_SHA256='${sha256(local.setup_bundle)}'",
    "export SETUP_PROJECT='${local.setup_project}'",
    "export SETUP_SETTINGS_PATH='${local.setup_settings_path}'",
    "",
    file("${local.setup_root}/servers/setup/lib.sh"),
    file("${local.setup_root}/servers/setup/fetch.sh"),
  ])

  # What cloud-init runs on a server of each kind. A server that stands alone has no group that
  # waits for it.
  setup_user_data = {
    for kind in local.setup_kinds : kind => join("\n", concat(
      ["#!/bin/bash", "export SETUP_KIND='${kind}'", "export SETUP_PHASES='${join(" ", local.setup_phases[kind])}'"],
      contains(keys(local.setup_roles), kind) ? [] : ["export SETUP_APPLICATION='no'"],
      contains(local.setup_group_kinds, kind) ? ["export SETUP_LAUNCH_HOOK='${local.setup_launch_hook}'"] : [],
      [local.setup_script],
    ))
  }
}

resource "aws_s3_bucket" "setup" {
  # checkov:skip=CKV_AWS_18,CKV_AWS_144,CKV_AWS_145,CKV2_AWS_62: it holds copies of this repository's files and nothing else, and servers check the hash of what they fetch
  bucket_prefix = "${local.name}-setup-"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "setup" {
  bucket = aws_s3_bucket.setup.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "setup" {
  bucket = aws_s3_bucket.setup.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "setup" {
  bucket = aws_s3_bucket.setup.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "setup" {
  bucket = aws_s3_bucket.setup.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" "setup_bucket" {
  statement {
    sid       = "EncryptedConnectionsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.setup.arn, "${aws_s3_bucket.setup.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "setup" {
  bucket = aws_s3_bucket.setup.id
  policy = data.aws_iam_policy_document.setup_bucket.json

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.setup]
}

resource "aws_s3_bucket_lifecycle_configuration" "setup" {
  bucket = aws_s3_bucket_versioning.setup.bucket

  rule {
    id     = "forget-replaced-bundles"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.setup_rollback_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

# A change writes a new version over the old one and never deletes: who goes back finds the
# version before, and so does a server that was started just before the change.
resource "aws_s3_object" "setup" {
  bucket       = aws_s3_bucket_versioning.setup.bucket # an object older than versioning has no version
  key          = "bundles/boot.json"
  content      = local.setup_bundle
  content_type = "application/json"
}

data "aws_iam_policy_document" "setup" {
  statement {
    sid       = "FetchBundle"
    actions   = ["s3:GetObjectVersion"]
    resources = ["${aws_s3_bucket.setup.arn}/bundles/*"]
  }
}

resource "aws_iam_role_policy" "setup" {
  for_each = local.setup_all_roles

  name   = "setup"
  role   = each.value
  policy = data.aws_iam_policy_document.setup.json
}

# Secure strings under the AWS-managed key `aws/ssm` need no permission for the key: its
# own policy lets everyone who may read the parameter decrypt it through Parameter Store.
data "aws_iam_policy_document" "setup_settings" {
  statement {
    sid     = "ReadSettings"
    actions = ["ssm:GetParametersByPath"]
    resources = [
      "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:parameter${local.setup_settings_path}",
      "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:parameter${local.setup_settings_path}/*",
    ]
  }
}

resource "aws_iam_role_policy" "setup_settings" {
  for_each = local.setup_roles

  name   = "settings"
  role   = each.value
  policy = data.aws_iam_policy_document.setup_settings.json
}
