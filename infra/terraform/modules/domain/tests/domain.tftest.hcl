mock_provider "aws" {}

variables {
  file        = "../../../../dbt_project/environments.yml"
  policies    = "../../../../deployment/iam"
  environment = "staging"
  account     = "123456789012"
  company     = "hinode"
  variables   = { snowflake_account = "ab12345" }
  database    = { class = "db.t4g.small", gib = 20, two_zones = false, backup_days = 7 }
  login = {
    image           = "oauth2-proxy@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    issuer          = "https://login.example.com"
    client_id       = "dagster"
    certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1"
    view_host       = "dagster.example.com"
    operate_host    = "operate.dagster.example.com"
  }
}

run "a_domain_on_snowflake" {
  command = plan
  assert {
    condition     = length(module.redshift) == 0 && contains(output.secrets, "vending/staging/snowflake") && contains(output.secrets, "vending/staging/login")
    error_message = "There is no Redshift, and every secret is listed for who fills it."
  }
}

run "an_account" {
  command = plan
  variables {
    account = "1234"
  }
  expect_failures = [var.account]
}
