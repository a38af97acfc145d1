mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "all_servers_start_from_the_one_image" {
  assert {
    condition     = local.setup_image_id == one(data.aws_ami.stamp).id && output.stamp_image_id == one(data.aws_ami.stamp).id
    error_message = "servers start from ${local.setup_image_id}"
  }
}

run "what_is_in_the_image_is_not_done_at_boot" {
  assert {
    condition     = length(setintersection(local.setup_image_phases, local.setup_boot_phases)) == 0
    error_message = "${join(", ", setintersection(local.setup_image_phases, local.setup_boot_phases))} would be done twice"
  }

  assert {
    condition     = setunion(local.setup_image_phases, local.setup_boot_phases) == toset(["install", "release", "configure"])
    error_message = "a phase is done neither in the image nor at boot"
  }

  assert {
    condition     = local.setup_image_phases[0] == "install"
    error_message = "the slow part is left to the boot"
  }
}

run "settings_stay_out_of_the_image" {
  assert {
    condition     = length(regexall("SETUP_SETTINGS_PATH=|SETUP_LAUNCH_HOOK=", local.stamp_component)) == 0 && !strcontains(join(" ", local.stamp_bundle_files), "setup/configure/")
    error_message = "the image would be bound to one environment"
  }

  assert {
    condition     = length(regexall("AKIA[0-9A-Z]{16}|PRIVATE KEY-----|\\bi-[0-9a-f]{17}\\b|\\bip-[0-9]+-[0-9]+-", "${aws_imagebuilder_component.stamp[0].data}\n${aws_s3_object.stamp[0].content}")) == 0
    error_message = "the image would hold a key, or what belongs to one machine"
  }
}

run "the_image_is_sealed_after_everything_else" {
  assert {
    condition     = reverse(local.stamp_phases)[0] == "seal" && index(local.stamp_phases, "seal") > index(local.stamp_phases, "install")
    error_message = "something is done to the image after it was sealed"
  }

  assert {
    condition     = [for phase in yamldecode(aws_imagebuilder_component.stamp[0].data).phases : phase.name] == ["build", "validate"]
    error_message = "the image is not validated, or before it is built"
  }

  assert {
    condition     = strcontains(yamldecode(aws_imagebuilder_component.stamp[0].data).phases[0].steps[0].inputs.commands[0], "\nexport SETUP_PHASES='${join(" ", local.stamp_phases)}'\n")
    error_message = "the image is built of other phases, or in another order"
  }

  assert {
    condition     = endswith(yamldecode(aws_imagebuilder_component.stamp[0].data).phases[1].steps[0].inputs.commands[0], "/servers/setup/run validate")
    error_message = "the image is validated by something else than the parts that say so"
  }
}

run "the_content_makes_the_version" {
  assert {
    condition     = aws_imagebuilder_component.stamp[0].version == local.stamp_version && aws_imagebuilder_image_recipe.stamp[0].version == local.stamp_version
    error_message = "component and recipe do not carry the version made from their content"
  }

  assert {
    condition     = contains(flatten([for filter in one(data.aws_ami.stamp).filter : filter.values]), "${local.name}-server-${local.stamp_version}")
    error_message = "servers could start from an image of other content"
  }

  assert {
    condition     = strcontains(aws_imagebuilder_component.stamp[0].data, sha256(aws_s3_object.stamp[0].content))
    error_message = "the component does not name the bundle by its hash"
  }
}

run "another_disk_is_another_version" {
  command = plan

  variables {
    servers_volume_gib           = 20
    standalone_server_volume_gib = 20
    proxies_volume_gib           = 20
  }

  assert {
    condition     = one(aws_imagebuilder_image_recipe.stamp[0].block_device_mapping).ebs[0].volume_size == 20 && aws_imagebuilder_image_recipe.stamp[0].version != run.all_servers_start_from_the_one_image.stamp_version
    error_message = "a changed recipe would keep its version, which Image Builder refuses"
  }
}

run "the_image_fits_every_server" {
  assert {
    condition     = alltrue([for gib in local.setup_volumes_gib : one(aws_imagebuilder_image_recipe.stamp[0].block_device_mapping).ebs[0].volume_size <= gib])
    error_message = "a server's disk is smaller than its image"
  }

  assert {
    condition     = contains(values(local.setup_instance_types), one(aws_imagebuilder_infrastructure_configuration.stamp[0].instance_types))
    error_message = "the image is built on a machine that no server has"
  }

  # Image Builder would refuse a changed recipe under its old version.
  assert {
    condition     = local.stamp_version == "1.0.${parseint(substr(sha256(jsonencode([local.stamp_component, local.stamp_parent, local.stamp_volume_gib])), 0, 7), 16)}"
    error_message = "another disk is not another version"
  }
}

run "there_is_one_builder" {
  assert {
    condition = alltrue([for each in [
      aws_s3_object.stamp,
      aws_iam_role.stamp,
      aws_iam_role_policy.stamp,
      aws_iam_role_policy_attachment.stamp,
      aws_iam_instance_profile.stamp,
      aws_security_group.stamp,
      aws_vpc_security_group_egress_rule.stamp_https,
      aws_imagebuilder_component.stamp,
      aws_imagebuilder_image_recipe.stamp,
      aws_imagebuilder_infrastructure_configuration.stamp,
      aws_imagebuilder_distribution_configuration.stamp,
      aws_cloudwatch_log_group.stamp,
      aws_imagebuilder_image.stamp,
      aws_imagebuilder_image_pipeline.stamp,
      aws_iam_role.stamp_lifecycle,
      aws_iam_role_policy_attachment.stamp_lifecycle,
      aws_imagebuilder_lifecycle_policy.stamp,
    ] : length(each) == 1])
    error_message = "the builder is there twice, or in part"
  }
}

run "the_build_needs_no_rights_that_its_machine_lacks" {
  assert {
    condition     = !aws_imagebuilder_image.stamp[0].enhanced_image_metadata_enabled && !aws_imagebuilder_image_pipeline.stamp[0].enhanced_image_metadata_enabled
    error_message = "Image Builder would wait for an inventory that the build machine may not send"
  }
}

run "the_build_machine_is_closed" {
  assert {
    condition     = one(aws_imagebuilder_infrastructure_configuration.stamp[0].instance_metadata_options).http_tokens == "required"
    error_message = "instance metadata of the build machine is open to version 1"
  }

  assert {
    condition     = contains([for subnet in aws_subnet.network_private : subnet.id], aws_imagebuilder_infrastructure_configuration.stamp[0].subnet_id)
    error_message = "the build machine stands outside the private subnets"
  }

  assert {
    condition     = alltrue([for volume in aws_imagebuilder_image_recipe.stamp[0].block_device_mapping : tobool(volume.ebs[0].encrypted)])
    error_message = "the image is not encrypted"
  }

  assert {
    condition     = flatten([for statement in data.aws_iam_policy_document.stamp.statement : statement.resources if strcontains(join(" ", statement.actions), "s3:")]) == ["${aws_s3_bucket.setup.arn}/bundles/image.json"]
    error_message = "the build machine may read more than its bundle"
  }

  assert {
    condition     = alltrue([for action in flatten([for statement in data.aws_iam_policy_document.stamp.statement : statement.actions if contains(statement.resources, "*")]) : can(regex("^(ec2|ssm)messages:", action))])
    error_message = "the build machine may do on everything what knows a narrower resource"
  }
}

run "an_image_from_elsewhere_needs_no_builder" {
  command = plan

  variables {
    stamp_image_id = "ami-0123456789abcdef0"
  }

  assert {
    condition     = local.setup_image_id == "ami-0123456789abcdef0"
    error_message = "servers start from ${local.setup_image_id}"
  }

  assert {
    condition     = length(aws_imagebuilder_image.stamp) + length(aws_imagebuilder_image_pipeline.stamp) + length(aws_iam_role.stamp) + length(aws_s3_object.stamp) == 0
    error_message = "a builder is set up although the image is built elsewhere"
  }
}

run "an_image_that_terraform_built_is_not_deleted_behind_its_back" {
  command = plan

  assert {
    condition     = alltrue(flatten([for detail in aws_imagebuilder_lifecycle_policy.stamp[0].policy_detail : [for rules in detail.exclusion_rules : rules.tag_map == aws_imagebuilder_image.stamp[0].tags]]))
    error_message = "the lifecycle policy would delete the image in the state, and the next plan would build it anew"
  }
}

run "too_many_images_are_told" {
  command = plan

  variables {
    stamp_keep = 2
  }

  override_data {
    target = data.aws_ami_ids.stamp
    values = { ids = ["ami-0feedface00000001", "ami-0feedface00000002", "ami-0feedface00000003", "ami-0feedface00000004", "ami-0feedface00000005"] }
  }

  assert {
    condition     = output.stamp_image_id == run.all_servers_start_from_the_one_image.stamp_image_id
    error_message = "the stack is not the one that was built first, so nothing is known of its images"
  }

  expect_failures = [check.stamp_images_are_few]
}

run "an_old_image_is_told" {
  command = plan

  override_data {
    target = data.aws_ami_ids.stamp
    values = { ids = ["ami-0feedfacefeedface"] }
  }

  override_data {
    target = data.aws_ami.stamp
    values = {
      creation_date = "2020-01-01T00:00:00.000Z"
      id            = "ami-0feedfacefeedface"
    }
  }

  override_resource {
    target = aws_imagebuilder_image.stamp
  }

  expect_failures = [check.stamp_image_is_fresh]
}

run "a_name_instead_of_an_image_id_is_refused" {
  command = plan

  variables {
    stamp_image_id = "my-image"
  }

  expect_failures = [var.stamp_image_id]
}

run "keeping_no_image_to_go_back_to_is_refused" {
  command = plan

  variables {
    stamp_keep = 1
  }

  expect_failures = [var.stamp_keep]
}

run "an_image_that_is_old_at_once_is_refused" {
  command = plan

  variables {
    stamp_max_age_days = 0
  }

  expect_failures = [var.stamp_max_age_days]
}

run "a_schedule_in_words_is_refused" {
  command = plan

  variables {
    stamp_schedule = "every sunday"
  }

  expect_failures = [var.stamp_schedule]
}
