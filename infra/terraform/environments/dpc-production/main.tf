# The domain dpc in production.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }

  # The bucket and the region come with `terraform init -backend-config=…`: docs/deployment.md
  backend "s3" {
    key          = "dpc-production.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = { domain = "dpc", environment = "production", managed_by = "terraform" }
  }
}

module "domain" {
  source             = "../../modules/domain"
  file               = "${path.module}/../../../../domains/dpc/environments.yml"
  policies           = "${path.module}/../../../../deployment/iam"
  environment        = "production"
  account            = var.account
  region             = var.region
  company            = var.company
  key_alias          = "dpc-learning-kms"
  delivery_addresses = var.delivery_addresses
  raw_archive        = { after_days = 90, deep_after_days = 365 }
  redshift_capacity  = { base = 8, most = 32, hours_a_month = 400 }
  image              = var.image
  login              = var.login
  trusted            = var.trusted
  slack_alerts       = var.slack_alerts
  database           = { class = "db.t4g.small", gib = 20, two_zones = true, backup_days = 35 }
}
