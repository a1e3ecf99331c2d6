# Two roles of each API over a database: its function reads its secrets, the database's proxy the database's user.

locals {
  api_parts = merge([for name, secrets in var.apis : {
    "${name}-api"   = { policy = "database-api", service = "lambda.amazonaws.com", secrets = secrets }
    "${name}-proxy" = { policy = "database-proxy", service = "rds.amazonaws.com", secrets = secrets }
  }]...)
}

module "api_policy" {
  source   = "../policy"
  for_each = local.api_parts
  file     = "${var.policies}/${each.value.policy}.json"
  values   = merge(var.policy_values, { api_secret = each.value.secrets.database, api_keys_secret = each.value.secrets.keys })
}

resource "aws_iam_role" "api" {
  for_each             = local.api_parts
  name                 = "${var.settings.prefix}-${each.key}-${var.settings.suffix}"
  description          = "${each.key} of ${var.settings.domain} in ${var.settings.environment}"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Service"
      Effect    = "Allow"
      Principal = { Service = [each.value.service] }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.settings.account } }
    }]
  })
}

resource "aws_iam_role_policy" "api" {
  for_each = local.api_parts
  name     = each.value.policy
  role     = aws_iam_role.api[each.key].name
  policy   = module.api_policy[each.key].json
}

# Lambda places a function in the network and writes its log.
resource "aws_iam_role_policy_attachment" "api" {
  for_each   = { for name, part in local.api_parts : name => part if part.policy == "database-api" }
  role       = aws_iam_role.api[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}
