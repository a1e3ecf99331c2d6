# Private subnets from which nothing reaches the internet but by one door, and the endpoints of the services that are used.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

locals {
  name = var.settings.cluster
  # RDS and Redshift Serverless want three zones.
  zones = { for index, letter in ["a", "c", "d"] : "${var.settings.region}${letter}" => index }
  interfaces = concat(
    ["ecr.api", "ecr.dkr", "ecs", "logs", "secretsmanager", "sns", "sqs", "sts"],
    var.settings.warehouse.type == "redshift" ? ["redshift-data", "redshift-serverless"] : [],
  )
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:flow logs are the account's, which has them for all of its networks
  cidr_block           = var.range
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = local.name }
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "private" {
  for_each          = local.zones
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.range, 4, each.value)
  tags              = { Name = "${local.name}-private-${each.key}" }
}

# The door: one NAT gateway, for the warehouse's and the chat's addresses.
resource "aws_subnet" "door" {
  vpc_id            = aws_vpc.this.id
  availability_zone = keys(local.zones)[0]
  cidr_block        = cidrsubnet(var.range, 8, 255)
  tags              = { Name = "${local.name}-door" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_eip" "door" {
  #checkov:skip=CKV2_AWS_19:it belongs to the NAT gateway
  domain = "vpc"
}

resource "aws_nat_gateway" "door" {
  subnet_id     = aws_subnet.door.id
  allocation_id = aws_eip.door.id
  depends_on    = [aws_internet_gateway.this]
}

resource "aws_route_table" "door" {
  vpc_id = aws_vpc.this.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }
}

resource "aws_route_table_association" "door" {
  subnet_id      = aws_subnet.door.id
  route_table_id = aws_route_table.door.id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.door.id
  }
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}

# The two services whose endpoints cost nothing, so nothing of them goes through the door.
resource "aws_vpc_endpoint" "gateway" {
  for_each          = toset(concat(["s3"], var.settings.has_items ? ["dynamodb"] : []))
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.settings.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
}

resource "aws_security_group" "endpoints" {
  name        = "${local.name}-endpoints"
  description = "HTTPS from this network to the endpoints of AWS"
  vpc_id      = aws_vpc.this.id

  ingress {
    description = "HTTPS from this network"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = [var.range]
  }
}

resource "aws_vpc_endpoint" "interface" {
  for_each            = toset(local.interfaces)
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.settings.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]
}
