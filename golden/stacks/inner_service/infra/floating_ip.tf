# Two servers are ready and one of them is known to users. When that one fails, or is to be stopped,
# what they know it by moves to the other: always by the same automation, whoever starts it.

locals {
  floating_ip_other = var.floating_ip_active == "main" ? "spare" : "main"

  # How the automation finds a server by its name, so that one made anew is found as well.
  floating_ip_target = [
    { Name = "tag:Name", Values = ["${local.name}-standalone-server-{{ To }}"] },
    { Name = "instance-state-name", Values = ["running"] },
  ]
}

# Each server says every minute whether its application answers. Filled up with 0, silence counts at
# once; else CloudWatch would look further back for something that was said.
resource "aws_cloudwatch_metric_alarm" "floating_ip" {
  for_each = aws_instance.standalone_server

  alarm_name          = "${local.name}-floating-ip-${each.key}"
  alarm_description   = "Server ${each.key} (${each.value.id}) has not answered for ${var.floating_ip_failed_minutes} minutes. See 'When an alarm rings' in docs/patterns/floating_ip.md."
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = var.floating_ip_failed_minutes
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "answering"
    expression  = "FILL(answers, 0)"
    label       = "Answers"
    return_data = true
  }

  metric_query {
    id = "answers"

    metric {
      namespace   = local.setup_project
      metric_name = "ApplicationAnswers"
      dimensions  = { InstanceId = each.value.id }
      period      = 60
      stat        = "Maximum"
    }
  }
}

data "aws_iam_policy_document" "floating_ip_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ssm.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "floating_ip" {
  name               = "${local.name}-floating-ip"
  description        = "Lets the automation of ${local.name} move an address from server to server"
  assume_role_policy = data.aws_iam_policy_document.floating_ip_trust.json
}

data "aws_iam_policy_document" "floating_ip" {
  statement {
    sid       = "Look"
    actions   = ["cloudwatch:DescribeAlarms", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces"]
    resources = ["*"] # these actions know no narrower resource, or none that is enough
  }

  statement {
    sid       = "MoveCard"
    actions   = ["ec2:AttachNetworkInterface", "ec2:DetachNetworkInterface"]
    resources = concat([aws_network_interface.movable_interface.arn], [for server in aws_instance.standalone_server : server.arn])
  }

  statement {
    sid       = "Tell"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]
  }
}

resource "aws_iam_role_policy" "floating_ip" {
  name   = "move"
  role   = aws_iam_role.floating_ip.id
  policy = data.aws_iam_policy_document.floating_ip.json
}

# It may be run again at any time, whatever a run before has left undone: what is where it should be
# stays there.
resource "aws_ssm_document" "floating_ip" {
  name            = "${local.name}-floating-ip"
  document_type   = "Automation"
  document_format = "JSON"

  content = jsonencode({
    schemaVersion = "0.3"
    description   = "Moves what users of ${local.name} know its server by to another server"
    assumeRole    = aws_iam_role.floating_ip.arn

    parameters = {
      To = {
        type          = "String"
        description   = "Name of the server that is to answer from now on"
        allowedValues = keys(aws_instance.standalone_server)
      }
      EvenIfSilent = {
        type          = "String"
        description   = "Whether to move although the server does not answer"
        allowedValues = ["false", "true"]
        default       = "false"
      }
    }

    mainSteps = [
      {
        name   = "is_running"
        action = "aws:assertAwsResourceProperty"
        inputs = {
          Service          = "ec2"
          Api              = "DescribeInstances"
          Filters          = local.floating_ip_target
          PropertySelector = "$.Reservations[0].Instances[0].State.Name"
          DesiredValues    = ["running"]
        }
      },
      {
        name   = "find"
        action = "aws:executeAwsApi"
        inputs = {
          Service = "ec2"
          Api     = "DescribeInstances"
          Filters = local.floating_ip_target
        }
        outputs = [{ Name = "InstanceId", Selector = "$.Reservations[0].Instances[0].InstanceId", Type = "String" }]
      },
      {
        name   = "is_forced"
        action = "aws:branch"
        inputs = {
          Choices = [{ NextStep = "card_is_there", Variable = "{{ EvenIfSilent }}", StringEquals = "true" }]
          Default = "answers"
        }
      },
      {
        name   = "answers"
        action = "aws:assertAwsResourceProperty"
        inputs = {
          Service          = "cloudwatch"
          Api              = "DescribeAlarms"
          AlarmNames       = ["${local.name}-floating-ip-{{ To }}"]
          PropertySelector = "$.MetricAlarms[0].StateValue"
          DesiredValues    = ["OK"]
        }
      },
      {
        name       = "card_is_there"
        action     = "aws:assertAwsResourceProperty"
        isCritical = false
        onFailure  = "step:card_is_free"
        nextStep   = "tell"
        inputs = {
          Service = "ec2"
          Api     = "DescribeNetworkInterfaces"
          Filters = [
            { Name = "network-interface-id", Values = [aws_network_interface.movable_interface.id] },
            { Name = "attachment.instance-id", Values = ["{{ find.InstanceId }}"] },
          ]
          PropertySelector = "$.NetworkInterfaces[0].Status"
          DesiredValues    = ["in-use"]
        }
      },
      {
        name       = "card_is_free"
        action     = "aws:assertAwsResourceProperty"
        isCritical = false
        onFailure  = "step:find_card"
        nextStep   = "put_card"
        inputs = {
          Service             = "ec2"
          Api                 = "DescribeNetworkInterfaces"
          NetworkInterfaceIds = [aws_network_interface.movable_interface.id]
          PropertySelector    = "$.NetworkInterfaces[0].Status"
          DesiredValues       = ["available"]
        }
      },
      {
        name   = "find_card"
        action = "aws:executeAwsApi"
        inputs = {
          Service             = "ec2"
          Api                 = "DescribeNetworkInterfaces"
          NetworkInterfaceIds = [aws_network_interface.movable_interface.id]
        }
        outputs = [{ Name = "AttachmentId", Selector = "$.NetworkInterfaces[0].Attachment.AttachmentId", Type = "String" }]
      },
      {
        name   = "take_card"
        action = "aws:executeAwsApi"
        inputs = {
          Service      = "ec2"
          Api          = "DetachNetworkInterface"
          AttachmentId = "{{ find_card.AttachmentId }}"
          Force        = true # a server that hangs would not let go
        }
      },
      {
        name           = "wait_for_card"
        action         = "aws:waitForAwsResourceProperty"
        timeoutSeconds = 120
        inputs = {
          Service             = "ec2"
          Api                 = "DescribeNetworkInterfaces"
          NetworkInterfaceIds = [aws_network_interface.movable_interface.id]
          PropertySelector    = "$.NetworkInterfaces[0].Status"
          DesiredValues       = ["available"]
        }
      },
      {
        name   = "put_card"
        action = "aws:executeAwsApi"
        inputs = {
          Service            = "ec2"
          Api                = "AttachNetworkInterface"
          DeviceIndex        = 1
          InstanceId         = "{{ find.InstanceId }}"
          NetworkInterfaceId = aws_network_interface.movable_interface.id
        }
      },
      {
        name   = "tell"
        action = "aws:executeAwsApi"
        inputs = {
          Service  = "sns"
          Api      = "Publish"
          TopicArn = aws_sns_topic.alarms.arn
          Subject  = "${local.name}: {{ To }} answers"
          Message  = "Server {{ To }} ({{ find.InstanceId }}) answers the users of ${local.name} from now on. See docs/patterns/floating_ip.md."
        }
      },
    ]
  })
}

# Only the failure of the one that answers in ordinary times moves anything, and only away from it.
# Nothing moves back by itself: two servers that fail in turn would take it from each other.
resource "aws_cloudwatch_event_rule" "floating_ip" {
  name        = "${local.name}-floating-ip"
  description = "Server ${var.floating_ip_active} of ${local.name} has failed"
  state       = var.floating_ip_automatic ? "ENABLED" : "DISABLED"

  event_pattern = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    resources   = [aws_cloudwatch_metric_alarm.floating_ip[var.floating_ip_active].arn]
    detail      = { state = { value = ["ALARM"] } }
  })
}

data "aws_iam_policy_document" "floating_ip_event_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "floating_ip_event" {
  name               = "${local.name}-floating-ip-event"
  description        = "Lets a failure of ${local.name} start the automation that moves its address"
  assume_role_policy = data.aws_iam_policy_document.floating_ip_event_trust.json
}

data "aws_iam_policy_document" "floating_ip_event" {
  statement {
    sid     = "StartMove"
    actions = ["ssm:StartAutomationExecution"]
    resources = [
      "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:automation-definition/${aws_ssm_document.floating_ip.name}:*",
      "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:automation-execution/*",
      aws_ssm_document.floating_ip.arn,
    ]
  }

  statement {
    sid       = "HandOverItsRole"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.floating_ip.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ssm.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "floating_ip_event" {
  name   = "start-move"
  role   = aws_iam_role.floating_ip_event.id
  policy = data.aws_iam_policy_document.floating_ip_event.json
}

resource "aws_cloudwatch_event_target" "floating_ip" {
  rule     = aws_cloudwatch_event_rule.floating_ip.name
  arn      = "arn:${data.aws_partition.current.partition}:ssm:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:automation-definition/${aws_ssm_document.floating_ip.name}:$DEFAULT"
  role_arn = aws_iam_role.floating_ip_event.arn
  input    = jsonencode({ To = [local.floating_ip_other] })

  # A move that comes late would come as a surprise.
  retry_policy {
    maximum_event_age_in_seconds = 300
    maximum_retry_attempts       = 10
  }
}
