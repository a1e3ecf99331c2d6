# Every role of the domain. What a role may do stands in deployment/iam/, who may take it stands here.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

locals {
  roles = var.settings.roles

  # role => the policies it has. snowflake, which only Snowflake takes, is in modules/warehouse_snowflake_stage.
  all_policies = {
    platform     = concat(["platform"], var.settings.warehouse.type == "redshift" ? ["redshift"] : [], var.settings.has_lake ? ["lake"] : [])
    service      = concat(["service"], var.settings.warehouse.type == "redshift" ? ["redshift"] : [])
    dagster      = ["dagster-logs", "dagster-ecs"]
    dagster-view = ["dagster-logs"]
    execution    = ["execution"]
    deliverer    = ["deliverer"]
    reader       = ["reader"]
    analyst      = ["analyst"]
    operator     = ["operator"]
    copy         = ["copy"]
    bi           = ["redshift-login"]
    dbt          = ["redshift-login"]
  }
  policies = { for role, policies in local.all_policies : role => policies if contains(keys(local.roles), role) }
  attached = { for pair in flatten([for role, policies in local.policies : [for policy in policies : { role = role, policy = policy }]]) : "${pair.role}/${pair.policy}" => pair }

  services = {
    platform     = "ecs-tasks.amazonaws.com"
    service      = "ecs-tasks.amazonaws.com"
    dagster      = "ecs-tasks.amazonaws.com"
    dagster-view = "ecs-tasks.amazonaws.com"
    execution    = "ecs-tasks.amazonaws.com"
    dbt          = "ecs-tasks.amazonaws.com"
    copy         = "redshift-serverless.amazonaws.com"
  }

  by_service = { for role, service in local.services : role => {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Service"
      Effect    = "Allow"
      Principal = { Service = role == "copy" ? ["redshift.amazonaws.com", service] : [service] }
      Action    = "sts:AssumeRole"
      # Only for resources of this account: no one else's service may act as this role.
      Condition = { StringEquals = { "aws:SourceAccount" = var.settings.account } }
    }]
  } }
  # No one may take a role of people before someone is named.
  by_principal = { for role in ["deliverer", "reader", "analyst", "operator", "bi"] : role => {
    Version = "2012-10-17"
    Statement = [{
      Sid       = length(lookup(var.trusted, role, [])) > 0 ? "Named" : "NoOneYet"
      Effect    = length(lookup(var.trusted, role, [])) > 0 ? "Allow" : "Deny"
      Principal = { AWS = length(lookup(var.trusted, role, [])) > 0 ? var.trusted[role] : ["arn:aws:iam::${var.settings.account}:root"] }
      Action    = role == "deliverer" ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"]
    }]
  } }
}

module "policy" {
  source   = "../policy"
  for_each = toset(flatten(values(local.policies)))
  file     = "${var.policies}/${each.key}.json"
  values   = merge(var.policy_values, { database = var.database_arn })
}

resource "aws_iam_role" "this" {
  for_each             = local.policies
  name                 = local.roles[each.key]
  description          = "${each.key} of ${var.settings.domain} in ${var.settings.environment}"
  max_session_duration = 3600
  assume_role_policy   = jsonencode(contains(keys(local.by_service), each.key) ? local.by_service[each.key] : local.by_principal[each.key])
}

resource "aws_iam_role_policy" "this" {
  for_each = local.attached
  name     = each.value.policy
  role     = aws_iam_role.this[each.value.role].name
  policy   = module.policy[each.value.policy].json
}

# ECS pulls the image and writes the log before our code runs.
resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.this["execution"].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}
