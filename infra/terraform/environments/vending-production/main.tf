# The domain vending in production.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }

  # The bucket and the region come with `terraform init -backend-config=…`: docs/deployment.md
  backend "s3" {
    key          = "vending-production.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = { domain = "vending", environment = "production", managed_by = "terraform" }
  }
}

module "domain" {
  source                = "../../modules/domain"
  file                  = "${path.module}/../../../../dbt_project/environments.yml"
  policies              = "${path.module}/../../../../deployment/iam"
  environment           = "production"
  account               = var.account
  region                = var.region
  company               = var.company
  variables             = merge(var.variables, { snowflake_account = var.snowflake_account })
  database_apis         = var.database_apis
  snowflake_integration = var.snowflake_integration
  image                 = var.image
  login                 = var.login
  service               = var.service
  trusted               = var.trusted
  slack_alerts          = var.slack_alerts
  daily_sources         = ["sales"]
  database              = { class = "db.t4g.small", gib = 20, two_zones = true, backup_days = 35 }
}
