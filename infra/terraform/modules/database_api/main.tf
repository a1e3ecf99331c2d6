# An HTTP API over a database that is there: HTTP API, a function in the database's network, RDS Proxy in front of the
# database. docs/shop-api.md explains the parts.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

locals {
  name    = "${var.settings.prefix}-${var.name}-api-${var.settings.suffix}"
  handler = "vending_platform.service.${var.name}.aws_lambda.handler"
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50:its log has one line with an id for each request, and no other service is behind it
  #checkov:skip=CKV_AWS_116:it is invoked by requests alone, which get the error themselves
  #checkov:skip=CKV_AWS_173:no secret is among its settings; those it reads when it needs them
  #checkov:skip=CKV_AWS_272:a container's image is named by its digest, and code signing is for archives
  function_name = local.name
  description   = "The ${var.name}'s API of ${var.settings.domain} in ${var.settings.environment}"
  role          = var.role_arns.function
  package_type  = "Image"
  image_uri     = var.image
  timeout       = 30
  memory_size   = 1024
  # Each instance serves one request at a time, so this is also how many connections the proxy gets at most.
  reserved_concurrent_executions = var.instances

  image_config {
    entry_point = ["python", "-m", "awslambdaric"]
    command     = [local.handler]
  }
  environment {
    variables = merge(var.variables, {
      VENDING_DOMAIN       = var.settings.domain
      VENDING_ENV          = var.settings.environment
      VENDING_SERVICE_HOST = var.host
    })
  }
  vpc_config {
    subnet_ids         = var.database.subnet_ids
    security_group_ids = [aws_security_group.function.id]
  }
  logging_config {
    log_format = "Text" # each line is JSON already
    log_group  = var.settings.log_group
  }

  depends_on = [aws_ecr_repository_policy.image]
}

# Lambda looks at the image again when it starts an instance after a while.
resource "aws_ecr_repository_policy" "image" {
  repository = var.repository
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid       = "LambdaPullsTheImage"
    Effect    = "Allow"
    Principal = { Service = "lambda.amazonaws.com" }
    Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    Condition = { StringEquals = { "aws:SourceAccount" = var.settings.account } }
  }] })
}

resource "aws_security_group" "function" {
  name        = "${local.name}-function"
  description = "The API's function"
  vpc_id      = var.database.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "secrets" {
  description       = "Secrets Manager, and the identity provider's keys"
  security_group_id = aws_security_group.function.id
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  description                  = "The database's proxy"
  security_group_id            = aws_security_group.function.id
  referenced_security_group_id = aws_security_group.proxy.id
  from_port                    = 3306
  to_port                      = 3306
  ip_protocol                  = "tcp"
}
