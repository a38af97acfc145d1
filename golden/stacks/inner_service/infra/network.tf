# One VPC over several zones. Only NAT gateways and what users reach stand in public
# subnets; everything else is private and reaches out through the NAT of its zone.

data "aws_availability_zones" "network" {
  # checkov:skip=CKV_AWS_394: the first zones by letter are taken, and one that AWS adds has a later letter
  state = "available"

  # Leaves out Local and Wavelength Zones, and zones this account did not opt into.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  # Two at least: an Application Load Balancer and a database insist on it.
  network_zone_count = 2
  network_offered    = [for zone in data.aws_availability_zones.network.names : zone if !contains(var.network_excluded_zones, zone)]
  network_zones      = [for index, zone in local.network_offered : zone if index < local.network_zone_count]

  # Which zone's NAT gateway a zone goes out through.
  network_nat_zones = {
    none     = {}
    per_zone = { for zone in local.network_zones : zone => zone }
    single   = { for zone in local.network_zones : zone => local.network_zones[0] }
  }[var.network_nat]
}

resource "aws_vpc" "network" {
  cidr_block           = var.network_cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = local.name }

  lifecycle {
    precondition {
      condition     = length(local.network_zones) == local.network_zone_count
      error_message = "${local.network_zone_count} zones are asked for, but ${var.region} offers ${length(local.network_offered)} besides those in network_excluded_zones: ${join(", ", local.network_offered)}."
    }
  }
}

# AWS creates this group and puts into it whatever names no other. Without rules it
# lets nothing in or out, so a forgotten group shows at once.
resource "aws_default_security_group" "network" {
  vpc_id = aws_vpc.network.id

  tags = { Name = "${local.name}-default-closed" }
}

# Sixteen equal blocks: private subnets take the lower eight and public ones the upper
# eight, each by its zone's place among all of the Region. So a zone that comes in or is
# left out moves no subnet of another one.
resource "aws_subnet" "network_private" {
  for_each = toset(local.network_zones)

  vpc_id            = aws_vpc.network.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.network_cidr, 4, index(data.aws_availability_zones.network.names, each.key))

  tags = { Name = "${local.name}-private-${each.key}" }
}

resource "aws_subnet" "network_public" {
  for_each = toset(local.network_zones)

  vpc_id            = aws_vpc.network.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.network_cidr, 4, 8 + index(data.aws_availability_zones.network.names, each.key))

  tags = { Name = "${local.name}-public-${each.key}" }
}

resource "aws_internet_gateway" "network" {
  vpc_id = aws_vpc.network.id

  tags = { Name = local.name }
}

resource "aws_route_table" "network_public" {
  vpc_id = aws_vpc.network.id

  tags = { Name = "${local.name}-public" }
}

resource "aws_route" "network_internet" {
  route_table_id         = aws_route_table.network_public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.network.id
}

# Where a zone is given up, servers and load balancers must leave it before its subnets go:
# AWS deletes none that is in use. Terraform orders it so because this association, the
# other one and the routes say `create_before_destroy`.
resource "aws_route_table_association" "network_public" {
  for_each = aws_subnet.network_public

  route_table_id = aws_route_table.network_public.id
  subnet_id      = each.value.id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_eip" "network_nat" {
  for_each = toset(values(local.network_nat_zones))

  domain = "vpc"

  tags = { Name = "${local.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "network" {
  for_each = toset(values(local.network_nat_zones))

  allocation_id = aws_eip.network_nat[each.key].id
  subnet_id     = aws_subnet.network_public[each.key].id

  tags = { Name = "${local.name}-${each.key}" }

  # A NAT gateway without a way to the internet fails to come up.
  depends_on = [aws_route.network_internet]
}

resource "aws_route_table" "network_private" {
  for_each = toset(local.network_zones)

  vpc_id = aws_vpc.network.id

  tags = { Name = "${local.name}-private-${each.key}" }
}

resource "aws_route" "network_nat" {
  for_each = local.network_nat_zones

  route_table_id         = aws_route_table.network_private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.network[each.value].id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route_table_association" "network_private" {
  for_each = aws_subnet.network_private

  route_table_id = aws_route_table.network_private[each.key].id
  subnet_id      = each.value.id

  lifecycle {
    create_before_destroy = true
  }
}

# Gateway endpoints are free, and what goes through them pays no NAT gateway. S3 is
# always worth it: the package repositories of Amazon Linux live there.
resource "aws_vpc_endpoint" "network_gateway" {
  for_each = toset(["s3"])

  vpc_id          = aws_vpc.network.id
  service_name    = "com.amazonaws.${data.aws_region.current.id}.${each.key}"
  route_table_ids = [for table in aws_route_table.network_private : table.id]

  tags = { Name = "${local.name}-${each.key}" }
}

# Interface endpoints cost money by the hour and zone, so each is asked for by name.
data "aws_vpc_endpoint_service" "network_interface" {
  for_each = var.network_interface_endpoints

  service      = each.key
  service_type = "Interface"
}

resource "aws_security_group" "network_interface" {
  count = length(var.network_interface_endpoints) > 0 ? 1 : 0

  name        = "${local.name}-endpoints"
  description = "Interface endpoints of AWS services"
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${local.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "network_interface" {
  count = length(aws_security_group.network_interface)

  security_group_id = aws_security_group.network_interface[count.index].id
  description       = "AWS APIs from inside the VPC"
  cidr_ipv4         = aws_vpc.network.cidr_block
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "network_interface" {
  for_each = data.aws_vpc_endpoint_service.network_interface

  vpc_id              = aws_vpc.network.id
  service_name        = each.value.service_name
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  security_group_ids  = aws_security_group.network_interface[*].id
  subnet_ids          = [for subnet in aws_subnet.network_private : subnet.id]

  tags = { Name = "${local.name}-${each.key}" }
}

# Who spoke to whom: the first thing asked after an incident, and it cannot be
# switched on for yesterday.
resource "aws_cloudwatch_log_group" "network_flow" {
  # checkov:skip=CKV_AWS_158: a key of our own would be given to the same roles, and cost money each month
  # checkov:skip=CKV_AWS_338: a year of it costs more than most need; network_flow_log_retention_days takes up to ten
  name              = "/${var.project}/${var.environment}/network/flow"
  retention_in_days = var.network_flow_log_retention_days
}

data "aws_iam_policy_document" "network_flow_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "network_flow" {
  name               = "${local.name}-flow-logs"
  description        = "Lets VPC flow logs write into their log group"
  assume_role_policy = data.aws_iam_policy_document.network_flow_trust.json
}

data "aws_iam_policy_document" "network_flow" {
  statement {
    actions = [
      "logs:CreateLogStream",
      "logs:DescribeLogStreams",
      "logs:PutLogEvents",
    ]
    resources = ["${aws_cloudwatch_log_group.network_flow.arn}:*"]
  }

  statement {
    actions   = ["logs:DescribeLogGroups"]
    resources = ["*"] # a list action, it knows no narrower resource
  }
}

resource "aws_iam_role_policy" "network_flow" {
  name   = "write-flow-logs"
  role   = aws_iam_role.network_flow.id
  policy = data.aws_iam_policy_document.network_flow.json
}

resource "aws_flow_log" "network" {
  vpc_id                   = aws_vpc.network.id
  traffic_type             = "ALL"
  iam_role_arn             = aws_iam_role.network_flow.arn
  log_destination          = aws_cloudwatch_log_group.network_flow.arn
  max_aggregation_interval = 600 # seconds; the finer step of 60 writes up to ten times as much

  tags = { Name = local.name }
}
