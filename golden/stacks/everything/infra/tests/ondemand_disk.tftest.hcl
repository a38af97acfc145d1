mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "a_stripe_stands_beside_its_server" {
  command = plan

  variables {
    ondemand_disk_size_gib     = 40
    ondemand_disk_stripe_count = 4
  }

  assert {
    condition     = length(distinct([for attachment in aws_volume_attachment.ondemand_disk : attachment.device_name])) == 4
    error_message = "two volumes would be attached under one name"
  }

  assert {
    condition     = [for volume in aws_ebs_volume.ondemand_disk : [volume.size, volume.availability_zone]] == [for number in range(4) : [10, local.standalone_server_subnets["main"].availability_zone]]
    error_message = "the disk is not four volumes of 10 GiB in the zone of its server"
  }
}

run "a_disk_of_today" {
  variables {
    ondemand_disk_size_gib = 10
  }

  # Not the id that all instances of the mock have.
  override_resource {
    target = aws_instance.standalone_server["main"]
    values = { id = "i-0feedfacefeedface", private_ip = "10.0.0.10" }
  }

  assert {
    condition     = [for volume in aws_ebs_volume.ondemand_disk : [volume.size, volume.encrypted, volume.type]] == [[10, true, "gp3"]]
    error_message = "the disk is not one encrypted volume of 10 GiB"
  }

  assert {
    condition     = one(values(aws_ebs_volume.ondemand_disk)).availability_zone == local.standalone_server_zone && one(values(aws_volume_attachment.ondemand_disk)).instance_id == aws_instance.standalone_server["main"].id
    error_message = "the disk stands where its server cannot reach it"
  }

  assert {
    condition     = one(values(aws_ebs_volume.ondemand_disk)).final_snapshot
    error_message = "a disk that is destroyed by mistake would be gone"
  }
}

run "it_grows_in_place" {
  variables {
    ondemand_disk_size_gib = 20
  }

  assert {
    condition     = one(values(aws_ebs_volume.ondemand_disk)).size == 20 && output.ondemand_disk_volume_ids == run.a_disk_of_today.ondemand_disk_volume_ids
    error_message = "the disk was replaced instead of grown"
  }
}

run "it_never_shrinks" {
  command = plan

  variables {
    ondemand_disk_size_gib = 10
  }

  override_data {
    target = data.aws_ebs_volumes.ondemand_disk
    values = { ids = ["vol-0123456789abcdef0"] }
  }

  override_data {
    target = data.aws_ebs_volume.ondemand_disk
    values = { size = 20 }
  }

  expect_failures = [aws_ebs_volume.ondemand_disk]
}

run "stripes_are_not_changed_under_the_data" {
  command = plan

  variables {
    ondemand_disk_size_gib     = 40
    ondemand_disk_stripe_count = 2
  }

  expect_failures = [aws_ebs_volume.ondemand_disk]
}

run "it_is_made_from_a_copy_if_one_is_named" {
  command = plan

  variables {
    ondemand_disk_snapshot_ids = { "01" = "snap-0123456789abcdef0" }
  }

  assert {
    condition     = [for volume in aws_ebs_volume.ondemand_disk : [volume.snapshot_id, volume.encrypted, volume.final_snapshot]] == [["snap-0123456789abcdef0", true, true]]
    error_message = "the disk is empty, or not encrypted, or nothing is kept of the one before"
  }
}

run "a_copy_of_another_stripe_is_refused" {
  command = plan

  variables {
    ondemand_disk_snapshot_ids = { "01" = "snap-0123456789abcdef0", "02" = "snap-0123456789abcdef1" }
  }

  expect_failures = [aws_ebs_volume.ondemand_disk]
}

run "what_is_no_copy_is_refused" {
  command = plan

  variables {
    ondemand_disk_snapshot_ids = { "01" = "vol-0123456789abcdef0" }
  }

  expect_failures = [var.ondemand_disk_snapshot_ids]
}

run "the_server_is_told_its_volumes" {
  assert {
    condition     = strcontains(local.setup_user_data["standalone_server"], "export ONDEMAND_DISK_VOLUMES='${join(" ", output.ondemand_disk_volume_ids)}'")
    error_message = "the server would not know which disk is for data"
  }
}

run "a_server_beside_it_knows_that_it_has_none" {
  assert {
    condition     = strcontains(local.setup_user_data["standalone_server"], "export ONDEMAND_DISK_SERVER='${aws_instance.standalone_server["main"].tags["Name"]}'")
    error_message = "the server would not know that the disk is its own, or another one would wait for it"
  }
}

run "the_alarm_watches_what_the_agent_reports" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.ondemand_disk_full.metric_name == "disk_used_percent" && aws_cloudwatch_metric_alarm.ondemand_disk_full.namespace == local.server_metrics_namespace
    error_message = "the alarm watches another metric than the agent reports"
  }

  # The agent adds path and fstype to what it reports of a file system, and the device if asked to.
  assert {
    condition     = local.ondemand_disk_metric.drop_device && aws_cloudwatch_metric_alarm.ondemand_disk_full.dimensions == tomap({ InstanceId = aws_instance.standalone_server["main"].id, fstype = "ext4", path = output.ondemand_disk_mount_point })
    error_message = "the alarm looks for other dimensions than the agent reports"
  }

  assert {
    condition     = strcontains(file("${local.setup_root}/servers/setup/configure/ondemand_disk/grow-data.sh"), "mkfs.${aws_cloudwatch_metric_alarm.ondemand_disk_full.dimensions.fstype} ") && strcontains(file("${local.setup_root}/servers/setup/configure/ondemand_disk/grow-data.sh"), "MOUNT_POINT:-${output.ondemand_disk_mount_point}}")
    error_message = "the server makes another file system, or mounts it elsewhere, than the alarm looks for"
  }
}

run "a_machine_that_would_not_find_the_disk_is_refused" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type.standalone_server
    values = { hypervisor = "xen", supported_architectures = ["arm64"] }
  }

  expect_failures = [aws_ebs_volume.ondemand_disk]
}

run "more_operations_than_the_size_allows_are_refused" {
  command = plan

  variables {
    ondemand_disk_iops     = 16000
    ondemand_disk_size_gib = 20
  }

  expect_failures = [aws_ebs_volume.ondemand_disk]
}

run "a_disk_of_nothing_is_refused" {
  command = plan

  variables {
    ondemand_disk_size_gib = 0
  }

  expect_failures = [var.ondemand_disk_size_gib]
}

run "a_disk_beyond_its_volumes_is_refused" {
  command = plan

  variables {
    ondemand_disk_size_gib = 20000
  }

  expect_failures = [var.ondemand_disk_size_gib]
}

run "nine_stripes_are_refused" {
  command = plan

  variables {
    ondemand_disk_stripe_count = 9
  }

  expect_failures = [var.ondemand_disk_stripe_count]
}

run "too_few_operations_are_refused" {
  command = plan

  variables {
    ondemand_disk_iops = 100
  }

  expect_failures = [var.ondemand_disk_iops]
}

run "throughput_beyond_the_operations_is_refused" {
  command = plan

  variables {
    ondemand_disk_throughput_mib = 1000
  }

  expect_failures = [var.ondemand_disk_throughput_mib]
}

run "an_alarm_when_it_is_too_late_is_refused" {
  command = plan

  variables {
    ondemand_disk_alarm_percent = 99
  }

  expect_failures = [var.ondemand_disk_alarm_percent]
}
