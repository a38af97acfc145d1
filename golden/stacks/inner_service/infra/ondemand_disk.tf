# The disk for data starts with what today needs and grows while it is in use: a larger size
# here is a larger volume, and the server lets its file system follow within minutes. A volume
# cannot shrink, so that is refused before anything happens.

locals {
  ondemand_disk_volumes = { for number in range(1, var.ondemand_disk_stripe_count + 1) : format("%02d", number) => "/dev/sd${substr("fghijklm", number - 1, 1)}" }
  ondemand_disk_name    = "${local.name}-ondemand-disk"

  # What the agent is told to report, and so what an alarm can find.
  ondemand_disk_metric = jsondecode(file("${local.setup_root}/servers/setup/configure/metrics/standalone_server/ondemand_disk.json")).metrics.metrics_collected.disk
}

# What is there, to compare with what is asked for: Terraform itself would ask EC2 for a smaller
# volume, in the middle of an apply, and be refused.
data "aws_ebs_volumes" "ondemand_disk" {
  filter {
    name   = "tag:Disk"
    values = [local.ondemand_disk_name]
  }
}

data "aws_ebs_volume" "ondemand_disk" {
  for_each = toset(data.aws_ebs_volumes.ondemand_disk.ids)

  filter {
    name   = "volume-id"
    values = [each.key]
  }
}

# Over how many volumes the disk was striped when it was made.
resource "terraform_data" "ondemand_disk_stripe_count" {
  input = var.ondemand_disk_stripe_count

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_ebs_volume" "ondemand_disk" {
  # checkov:skip=CKV2_AWS_9: whoever copies it must hold its file system still, and AWS Backup cannot
  # checkov:skip=CKV_AWS_189: a key of our own would be given to the same roles, and cost money each month
  for_each = local.ondemand_disk_volumes

  availability_zone = local.standalone_server_zone
  encrypted         = true
  final_snapshot    = var.ondemand_disk_final_snapshot
  iops              = var.ondemand_disk_iops
  size              = ceil(var.ondemand_disk_size_gib / var.ondemand_disk_stripe_count)
  snapshot_id       = lookup(var.ondemand_disk_snapshot_ids, each.key, null)
  throughput        = var.ondemand_disk_throughput_mib
  type              = "gp3"

  tags = {
    Disk = local.ondemand_disk_name
    Name = "${local.ondemand_disk_name}-${each.key}"
  }

  lifecycle {
    precondition {
      condition     = alltrue([for volume in data.aws_ebs_volume.ondemand_disk : volume.size <= ceil(var.ondemand_disk_size_gib / var.ondemand_disk_stripe_count)])
      error_message = "ondemand_disk_size_gib (${var.ondemand_disk_size_gib}) is less than there is (${sum(concat([0], [for volume in data.aws_ebs_volume.ondemand_disk : volume.size]))}), and a volume cannot shrink. Make a smaller one and copy the data: docs/patterns/ondemand_disk.md, 'Make it smaller, or stripe it otherwise'."
    }

    precondition {
      condition     = var.ondemand_disk_stripe_count == terraform_data.ondemand_disk_stripe_count.output
      error_message = "The disk is striped over ${terraform_data.ondemand_disk_stripe_count.output} volumes, and that cannot change while there is data on it; ondemand_disk_stripe_count is ${var.ondemand_disk_stripe_count}. docs/patterns/ondemand_disk.md, 'Make it smaller, or stripe it otherwise', says how to move."
    }

    # A stripe with one volume of another day is no disk any more.
    precondition {
      condition     = length(var.ondemand_disk_snapshot_ids) == 0 || toset(keys(var.ondemand_disk_snapshot_ids)) == toset(keys(local.ondemand_disk_volumes))
      error_message = "ondemand_disk_snapshot_ids names a copy for ${join(", ", keys(var.ondemand_disk_snapshot_ids))}, but the disk has the volumes ${join(", ", keys(local.ondemand_disk_volumes))}: name one for each, all of the same moment."
    }

    precondition {
      condition     = var.ondemand_disk_iops <= 500 * ceil(var.ondemand_disk_size_gib / var.ondemand_disk_stripe_count)
      error_message = "ondemand_disk_iops (${var.ondemand_disk_iops}) is more than the 500 a GiB that gp3 allows for a volume of ${ceil(var.ondemand_disk_size_gib / var.ondemand_disk_stripe_count)} GiB: take more GiB or fewer IOPS."
    }

    # Where a volume is not an NVMe disk the server has no name for it that holds its id.
    precondition {
      condition     = data.aws_ec2_instance_type.standalone_server.hypervisor != "xen"
      error_message = "${var.standalone_server_instance_type} is a machine of the Xen generation, on which the server would not find its data disk: choose a later standalone_server_instance_type, such as t3.small in place of t2.small."
    }
  }
}

resource "aws_volume_attachment" "ondemand_disk" {
  for_each = aws_ebs_volume.ondemand_disk

  device_name = local.ondemand_disk_volumes[each.key] # the kernel names it otherwise; the server finds it by its id
  instance_id = aws_instance.standalone_server["main"].id
  volume_id   = each.value.id

  # Taken off a running server, it could miss what was not yet written.
  stop_instance_before_detaching = true
}

resource "aws_cloudwatch_metric_alarm" "ondemand_disk_full" {
  alarm_name        = "${local.ondemand_disk_name}-full"
  alarm_description = "The data disk is ${var.ondemand_disk_alarm_percent} % full, or is not there at all. See 'Make it larger' in docs/patterns/ondemand_disk.md."
  namespace         = local.server_metrics_namespace
  metric_name       = "disk_${one(local.ondemand_disk_metric.measurement)}"
  dimensions = {
    InstanceId = aws_instance.standalone_server["main"].id
    fstype     = "ext4"
    path       = one(local.ondemand_disk_metric.resources)
  }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.ondemand_disk_alarm_percent
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "breaching" # a disk that reports nothing is not mounted
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
