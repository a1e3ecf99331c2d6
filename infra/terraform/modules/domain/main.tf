# One domain in one environment: everything that runs in its account.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

module "settings" {
  source      = "../settings"
  file        = var.file
  environment = var.environment
  variables   = merge(var.variables, { company = var.company, aws_account = var.account, aws_region = var.region })
}

locals {
  settings       = module.settings.settings
  warehouse      = local.settings.warehouse.type
  login_secret   = "${local.settings.domain}/${local.settings.environment}/login"
  policy_values  = merge(module.settings.policy_values, { login_secret = local.login_secret, apply_role = local.apply_role })
  apply_role     = "arn:aws:iam::${var.account}:role/${local.settings.prefix}-terraform-apply-${local.settings.suffix}"
  filled         = module.foundation.policy_values
  with_snowflake = local.warehouse == "snowflake"
  with_redshift  = local.warehouse == "redshift"
  variables = merge(var.variables, {
    company     = var.company
    aws_account = var.account
    aws_region  = var.region
    kms_key     = module.foundation.key_arn
  })
  apis = var.image == null ? {} : var.database_apis
  set_variables = { for name, value in merge(
    { for name, value in local.variables : "VENDING_${upper(name)}" => value if contains(local.settings.variables, name) },
    {
      VENDING_UI_URL       = "https://${var.login.operate_host}"
      VENDING_SLACK_ALERTS = var.slack_alerts ? "true" : null
    },
  ) : name => value if value != null }
}

# Policies of the key and the bucket may name a role only when it is there, and the roles' policies name the key: so the
# roles' ARNs go from `iam` to `foundation`, and the filled blanks go back.
module "foundation" {
  source             = "../foundation"
  settings           = local.settings
  policy_values      = local.policy_values
  role_arns          = merge(module.iam.roles, { for role, arn in { snowflake = module.warehouse_snowflake_stage.role_arn } : role => arn if local.with_snowflake })
  api_role_arns      = module.iam.api_role_arns
  policies           = var.policies
  key_alias          = var.key_alias
  delivery_addresses = var.delivery_addresses
  raw_archive        = var.raw_archive
}

module "iam" {
  source        = "../iam"
  settings      = local.settings
  policy_values = local.filled
  policies      = var.policies
  trusted       = var.trusted
  database_arn  = module.pipeline.database.arn
  apis          = { for name in keys(local.apis) : name => { database = local.settings.secrets["api-${name}"], keys = local.settings.secrets["api-${name}-keys"] } }
}

module "network" {
  source   = "../network"
  settings = local.settings
  range    = var.network_range
}

module "pipeline" {
  source        = "../pipeline"
  settings      = local.settings
  policy_values = local.filled
  policies      = var.policies
  bucket        = module.foundation.bucket
  key_arn       = module.foundation.key_arn
  vpc_id        = module.network.vpc_id
  network_range = module.network.range
  subnet_ids    = module.network.subnet_ids
  image         = var.image
  login         = var.login
  service       = var.service
  database      = var.database
  variables     = local.set_variables
}

module "database_api" {
  source          = "../database_api"
  for_each        = local.apis
  name            = each.key
  settings        = local.settings
  role_arns       = { function = module.iam.roles["${each.key}-api"], proxy = module.iam.roles["${each.key}-proxy"] }
  variables       = { for name, value in local.set_variables : name => value if !contains(["VENDING_UI_URL", "VENDING_SLACK_ALERTS"], name) }
  image           = var.image
  repository      = module.pipeline.repository
  secret_arn      = module.foundation.secret_arns["api-${each.key}"]
  database        = each.value.database
  host            = each.value.host
  certificate_arn = each.value.certificate_arn
  due             = each.value.due

  depends_on = [module.iam] # a role by itself may do nothing
}

module "warehouse_snowflake_stage" {
  source        = "../warehouse_snowflake_stage"
  enabled       = local.with_snowflake
  settings      = local.settings
  policy_values = local.filled
  policies      = var.policies
  integration   = var.snowflake_integration
}

module "lake" {
  source   = "../lake"
  count    = local.settings.athena == null ? 0 : 1
  settings = local.settings
  bucket   = module.foundation.bucket
  key_arn  = module.foundation.key_arn
}

module "redshift" {
  source                   = "../redshift"
  count                    = local.with_redshift ? 1 : 0
  settings                 = local.settings
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.subnet_ids
  client_security_group_id = module.pipeline.tasks_security_group_id
  copy_role_arn            = try(module.iam.roles.copy, "")
  key_arn                  = module.foundation.key_arn
  capacity                 = var.redshift_capacity
}

module "observability" {
  source        = "../observability"
  settings      = local.settings
  topic_arn     = module.pipeline.topic_arn
  database_id   = module.pipeline.database.id
  services      = module.pipeline.services
  daily_sources = var.daily_sources
}
