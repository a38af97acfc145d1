# A server is set up once, frozen as an image, and stamped out any number of times. The image
# runs the same setup parts a boot would run, from a bundle of their own: it changes when one
# of its files does, and not when something changes that servers fetch later.

locals {
  stamp_builds = var.stamp_image_id == null

  # Sealing leaves nothing of this one machine in the image; validating looks whether it did.
  stamp_phases       = concat(local.setup_image_phases, ["seal"])
  stamp_bundle_files = [for path, phase in local.setup_phase_of : path if contains(concat(["all", "validate"], local.stamp_phases), phase)]
  stamp_bundle = jsonencode({
    text   = { for path in local.stamp_bundle_files : path => file("${local.setup_root}/${path}") if can(file("${local.setup_root}/${path}")) }
    base64 = { for path in local.stamp_bundle_files : path => filebase64("${local.setup_root}/${path}") if !can(file("${local.setup_root}/${path}")) }
  })

  stamp_image_id = local.stamp_builds ? one(data.aws_ami.stamp).id : var.stamp_image_id

  # One image is for one architecture, and no server has a smaller disk than its image.
  stamp_architecture = values(local.setup_architectures)[0]
  stamp_volume_gib   = min(values(local.setup_volumes_gib)...)
}

resource "aws_s3_object" "stamp" {
  count = local.stamp_builds ? 1 : 0

  bucket       = aws_s3_bucket_versioning.setup.bucket
  key          = "bundles/image.json"
  content      = local.stamp_bundle
  content_type = "application/json"
}

locals {
  # The build machine gets its bundle as a server does, but has no group to answer to and no
  # settings to read: they differ by environment, the image does not.
  stamp_build = join("\n", [
    "export AWS_DEFAULT_REGION='${data.aws_region.current.id}'",
    "export SETUP_BUCKET='${coalesce(one(aws_s3_object.stamp[*].bucket), "none")}'",
    "export SETUP_KEY='${coalesce(one(aws_s3_object.stamp[*].key), "none")}'",
    "export SETUP_VERSION='${coalesce(one(aws_s3_object.stamp[*].version_id), "none")}'",
    "export SETUP_SHA256='${sha256(local.stamp_bundle)}'",
    "export SETUP_PHASES='${join(" ", local.stamp_phases)}'",
    "export SETUP_PROJECT='${local.setup_project}'",
    "",
    file("${local.setup_root}/servers/setup/lib.sh"),
    file("${local.setup_root}/servers/setup/fetch.sh"),
  ])

  stamp_validate = "SETUP_PROJECT='${local.setup_project}' bash /var/lib/${local.setup_project}/setup/bundle-${substr(sha256(local.stamp_bundle), 0, 12)}/servers/setup/run validate"

  stamp_component = yamlencode({
    name          = "${local.name}-server"
    schemaVersion = "1.0"
    phases = [
      for phase in [{ name = "build", command = local.stamp_build }, { name = "validate", command = local.stamp_validate }] : {
        name  = phase.name
        steps = [{ name = "RunSetup", action = "ExecuteBash", onFailure = "Abort", inputs = { commands = [phase.command] } }]
      }
    ]
  })

  # Amazon's newest image at the time of a build; the pipeline sees when there is a newer one.
  stamp_parent = "arn:${data.aws_partition.current.partition}:imagebuilder:${data.aws_region.current.id}:aws:image/amazon-linux-2023-${local.stamp_architecture == "arm64" ? "arm64" : "x86"}/x.x.x"

  # Image Builder never changes a version once it is published, so the version is made from
  # the content: a change is a new version, and no change is none.
  stamp_version = "1.0.${parseint(substr(sha256(jsonencode([local.stamp_component, local.stamp_parent, local.stamp_volume_gib])), 0, 7), 16)}"
}

data "aws_iam_policy_document" "stamp_trust" {
  for_each = toset(["ec2", "imagebuilder"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "stamp" {
  count = local.stamp_builds ? 1 : 0

  name               = "${local.name}-stamp"
  description        = "What the machine that builds the image of ${local.name} may do"
  assume_role_policy = data.aws_iam_policy_document.stamp_trust["ec2"].json
}

data "aws_iam_policy_document" "stamp" {
  statement {
    sid       = "FetchBundle"
    actions   = ["s3:GetObjectVersion"]
    resources = ["${aws_s3_bucket.setup.arn}/bundles/image.json"]
  }

  # Image Builder drives the machine by Run Command. AmazonSSMManagedInstanceCore would do,
  # but would also let it read every parameter of the account.
  statement {
    sid = "BeDriven"
    actions = [
      "ec2messages:AcknowledgeMessage",
      "ec2messages:DeleteMessage",
      "ec2messages:FailMessage",
      "ec2messages:GetEndpoint",
      "ec2messages:GetMessages",
      "ec2messages:SendReply",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"] # these actions know no narrower resource
  }

  statement {
    sid       = "BeKnown"
    actions   = ["ssm:UpdateInstanceInformation"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:instance/*"]
  }
}

resource "aws_iam_role_policy" "stamp" {
  count = local.stamp_builds ? 1 : 0

  name   = "build-image"
  role   = one(aws_iam_role.stamp).id
  policy = data.aws_iam_policy_document.stamp.json
}

# Reads components, fetches Image Builder's own tool, writes its log: nothing of ours.
resource "aws_iam_role_policy_attachment" "stamp" {
  count = local.stamp_builds ? 1 : 0

  role       = one(aws_iam_role.stamp).name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/EC2InstanceProfileForImageBuilder"
}

resource "aws_iam_instance_profile" "stamp" {
  count = local.stamp_builds ? 1 : 0

  name = "${local.name}-stamp"
  role = one(aws_iam_role.stamp).name
}

resource "aws_security_group" "stamp" {
  count = local.stamp_builds ? 1 : 0

  name        = "${local.name}-stamp"
  description = "The machine that builds the image of ${local.name}"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-stamp" }
}

resource "aws_vpc_security_group_egress_rule" "stamp_https" {
  count = local.stamp_builds ? 1 : 0

  security_group_id = one(aws_security_group.stamp).id
  description       = "HTTPS to AWS APIs and package repositories"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_imagebuilder_component" "stamp" {
  # checkov:skip=CKV_AWS_180: a key of our own would be given to the same roles, and cost money each month
  count = local.stamp_builds ? 1 : 0

  name        = "${local.name}-server"
  description = "Setup parts of ${local.name}: ${join(", ", local.stamp_phases)}"
  platform    = "Linux"
  version     = local.stamp_version
  data        = local.stamp_component

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(distinct(values(local.setup_architectures))) == 1
      error_message = "One image is for machines of one architecture, but these are of several: ${join(", ", [for kind, type in local.setup_instance_types : "${kind}_instance_type = ${type} is ${local.setup_architectures[kind]}"])}. Choose types of one."
    }

    precondition {
      condition     = length(local.stamp_component) <= 16000
      error_message = "The component has ${length(local.stamp_component)} characters and Image Builder takes 16,000; move code from fetch.sh or lib.sh into a part."
    }
  }
}

resource "aws_imagebuilder_image_recipe" "stamp" {
  # checkov:skip=CKV_AWS_200: a key of our own would be given to the same roles, and cost money each month
  count = local.stamp_builds ? 1 : 0

  name         = "${local.name}-server"
  description  = "A server of ${local.name}"
  parent_image = local.stamp_parent
  version      = local.stamp_version

  block_device_mapping {
    device_name = "/dev/xvda" # the root of Amazon Linux 2023

    ebs {
      delete_on_termination = true
      encrypted             = true
      volume_size           = local.stamp_volume_gib
      volume_type           = "gp3"
    }
  }

  component {
    component_arn = one(aws_imagebuilder_component.stamp).arn
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_imagebuilder_infrastructure_configuration" "stamp" {
  count = local.stamp_builds ? 1 : 0

  name                          = "${local.name}-server"
  description                   = "Builds images of ${local.name} on a machine nobody can reach"
  instance_profile_name         = one(aws_iam_instance_profile.stamp).name
  instance_types                = [values(local.setup_instance_types)[0]]
  security_group_ids            = [one(aws_security_group.stamp).id]
  subnet_id                     = aws_subnet.network_private[local.network_zones[0]].id
  terminate_instance_on_failure = true
  resource_tags                 = merge(local.tags, { Name = "${local.name}-stamp" })

  instance_metadata_options {
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
  }

  # The build machine needs a way out and its permissions before it can be of use.
  depends_on = [
    aws_iam_role_policy.stamp,
    aws_iam_role_policy_attachment.stamp,
    aws_route.network_nat,
    aws_vpc_endpoint.network_gateway,
    aws_vpc_security_group_egress_rule.stamp_https,
  ]
}

resource "aws_imagebuilder_distribution_configuration" "stamp" {
  # checkov:skip=CKV_AWS_199: the image stays in this account and Region, encrypted as its recipe says
  count = local.stamp_builds ? 1 : 0

  name        = "${local.name}-server"
  description = "Images of ${local.name} stay in this account and Region"

  distribution {
    region = data.aws_region.current.id

    ami_distribution_configuration {
      name        = "${local.name}-server-{{ imagebuilder:buildDate }}"
      description = "A server of ${local.name}, ${local.stamp_version}"
      ami_tags    = merge(local.tags, { Name = "${local.name}-server", Recipe = "${local.name}-server-${local.stamp_version}" })
    }
  }
}

# Image Builder writes what a build does to a log group of this name, and would make one
# that is kept for ever.
resource "aws_cloudwatch_log_group" "stamp" {
  # checkov:skip=CKV_AWS_158: a key of our own would be given to the same roles, and cost money each month
  # checkov:skip=CKV_AWS_338: what a build did is of use until some builds later
  count = local.stamp_builds ? 1 : 0

  name              = "/aws/imagebuilder/${local.name}-server"
  retention_in_days = 90
}

# Built when the content changes; servers take it only when the image is there and passed.
resource "aws_imagebuilder_image" "stamp" {
  count = local.stamp_builds ? 1 : 0

  image_recipe_arn                 = one(aws_imagebuilder_image_recipe.stamp).arn
  infrastructure_configuration_arn = one(aws_imagebuilder_infrastructure_configuration.stamp).arn
  distribution_configuration_arn   = one(aws_imagebuilder_distribution_configuration.stamp).arn

  # A list of all packages, for which the builder would need rights to Systems Manager's inventory.
  enhanced_image_metadata_enabled = false

  # The roll is the test: a server that does not come up from it takes no other's place.
  image_tests_configuration {
    image_tests_enabled = false
  }

  tags = { Keep = "terraform" } # the lifecycle policy below leaves alone what a plan would miss

  lifecycle {
    create_before_destroy = true
  }

  timeouts {
    create = "90m"
  }

  depends_on = [aws_cloudwatch_log_group.stamp]
}

# The newest image of this recipe: the one built above, or a patched one of the pipeline.
data "aws_ami" "stamp" {
  count = local.stamp_builds ? 1 : 0

  most_recent = true
  owners      = ["self"]

  filter {
    name   = "tag:Recipe"
    values = ["${local.name}-server-${local.stamp_version}"]
  }

  depends_on = [aws_imagebuilder_image.stamp]
}

# All images of this stack, those of earlier content too: an image outlives the recipe it
# was built from.
data "aws_ami_ids" "stamp" {
  count = local.stamp_builds ? 1 : 0

  owners = ["self"]

  filter {
    name   = "tag:Name"
    values = ["${local.name}-server"]
  }
}

# Images do not patch themselves, so the same recipe is built anew when one of Amazon's parts
# has changed. The next plan shows the new image, and its apply rolls the fleet.
resource "aws_imagebuilder_image_pipeline" "stamp" {
  count = local.stamp_builds ? 1 : 0

  name                             = "${local.name}-server"
  description                      = "Patches the image of ${local.name}"
  image_recipe_arn                 = one(aws_imagebuilder_image_recipe.stamp).arn
  infrastructure_configuration_arn = one(aws_imagebuilder_infrastructure_configuration.stamp).arn
  distribution_configuration_arn   = one(aws_imagebuilder_distribution_configuration.stamp).arn
  enhanced_image_metadata_enabled  = false

  image_tests_configuration {
    image_tests_enabled = false
  }

  schedule {
    schedule_expression                = var.stamp_schedule
    pipeline_execution_start_condition = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
  }

  # The recipe of before may go only when the pipeline names the new one.
  depends_on = [aws_imagebuilder_image.stamp]
}

resource "aws_iam_role" "stamp_lifecycle" {
  count = local.stamp_builds ? 1 : 0

  name               = "${local.name}-stamp-lifecycle"
  description        = "Lets Image Builder delete old images of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.stamp_trust["imagebuilder"].json
}

resource "aws_iam_role_policy_attachment" "stamp_lifecycle" {
  count = local.stamp_builds ? 1 : 0

  role       = one(aws_iam_role.stamp_lifecycle).name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy"
}

# Each image holds a snapshot, and snapshots cost money until somebody deletes them. This
# policy knows the images of one recipe; those of earlier content are for
# scripts/prune_images.py, and a plan says when it is time.
resource "aws_imagebuilder_lifecycle_policy" "stamp" {
  count = local.stamp_builds ? 1 : 0

  name           = "${local.name}-server"
  description    = "Keeps the newest ${var.stamp_keep} patched images of ${local.name} and those launched within a year"
  execution_role = one(aws_iam_role.stamp_lifecycle).arn
  resource_type  = "AMI_IMAGE"

  policy_detail {
    action {
      type = "DELETE"

      include_resources {
        amis      = true
        snapshots = true
      }
    }

    # A fleet that has not changed for long still starts its servers from an old image.
    exclusion_rules {
      tag_map = { Keep = "terraform" }

      amis {
        last_launched {
          unit  = "YEARS"
          value = 1
        }
      }
    }

    filter {
      type  = "COUNT"
      value = var.stamp_keep
    }
  }

  resource_selection {
    recipe {
      name             = one(aws_imagebuilder_image_recipe.stamp).name
      semantic_version = one(aws_imagebuilder_image_recipe.stamp).version
    }
  }

  depends_on = [aws_iam_role_policy_attachment.stamp_lifecycle]
}

# Warnings in each plan, not errors: an old image is a reason to build, not to stop. Before
# the first build there is none that could be old.
check "stamp_image_is_fresh" {
  assert {
    condition     = length(flatten(data.aws_ami_ids.stamp[*].ids)) == 0 ? true : alltrue([for image in data.aws_ami.stamp : timecmp(timeadd(image.creation_date, "${var.stamp_max_age_days * 24}h"), plantimestamp()) > 0])
    error_message = "The image ${local.stamp_image_id} is older than ${var.stamp_max_age_days} days and lacks the patches since; see docs/patterns/stamp.md."
  }
}

# Twice, since patched images and those of earlier content are kept side by side.
check "stamp_images_are_few" {
  assert {
    condition     = length(flatten(data.aws_ami_ids.stamp[*].ids)) <= 2 * var.stamp_keep
    error_message = "There are ${length(flatten(data.aws_ami_ids.stamp[*].ids))} images of ${local.name} and each costs the room of its snapshot; `python scripts/prune_images.py` deletes those that nobody needs."
  }
}
