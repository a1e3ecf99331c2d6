mock_provider "aws" {}

variables {
  policies = "../../../../deployment/iam"
  settings = {
    domain   = "vending", environment = "production", suffix = "prod", prefix = "hinode-vending", bucket = "hinode-vending-data-prod"
    prefixes = { raw = "raw-data" }, has_key = true, secrets = { warehouse = "vending/production/snowflake" }
  }
  policy_values = merge(
    { for role in ["platform", "service", "execution", "deliverer", "reader", "analyst", "snowflake", "copy", "dagster", "dagster_view", "apply"] : "${role}_role" => "absent" },
    { account = "123456789012", region = "ap-northeast-1", bucket = "hinode-vending-data-prod", raw = "raw-data", encryption = "aws:kms", extraction_role = "arn:aws:iam::123456789012:role/platform", log_group = "/vending/prod" },
  )
  role_arns = { platform = "arn:aws:iam::123456789012:role/platform", deliverer = "arn:aws:iam::123456789012:role/deliverer" }
}

run "with_a_key" {
  command = plan
  assert {
    condition     = length(aws_kms_key.data) == 1 && aws_kms_key.data[0].enable_key_rotation && aws_kms_alias.data[0].name == "alias/hinode-vending-data-prod"
    error_message = "Production has a key of its own, which is rotated."
  }
  assert {
    condition     = length([for statement in jsondecode(aws_kms_key.data[0].policy).Statement : statement if statement.Sid == "WhoReads"]) == 0
    error_message = "The key's policy names no role that is not there."
  }
  assert {
    condition     = keys(aws_secretsmanager_secret.platform) == ["warehouse"]
    error_message = "Every secret that is declared is there, without a value."
  }
}

run "without_a_key" {
  command = plan
  variables {
    settings = {
      domain   = "vending", environment = "staging", suffix = "staging", prefix = "hinode-vending", bucket = "hinode-vending-data-staging"
      prefixes = { raw = "raw-data" }, has_key = false, secrets = {}
    }
  }
  assert {
    condition     = length(aws_kms_key.data) == 0 && length([for statement in jsondecode(aws_s3_bucket_policy.data.policy).Statement : statement if statement.Sid == "NoOtherKey"]) == 0
    error_message = "Without a key nothing asks for one."
  }
}

run "deliveries_from_known_addresses" {
  command = plan
  variables {
    delivery_addresses = ["203.0.113.0/24", "198.51.100.7/32"]
    settings = {
      domain   = "dpc", environment = "staging", suffix = "staging", prefix = "hinode-dpc", bucket = "dpc-learning-data-staging"
      prefixes = { raw = "raw" }, has_key = false, secrets = {}
    }
    raw_archive = { after_days = 90, deep_after_days = 365 }
  }
  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.data.policy).Statement : statement.Condition.NotIpAddress["aws:SourceIp"] if statement.Sid == "DeliveriesFromKnownAddressesOnly"] == [["203.0.113.0/24", "198.51.100.7/32"]]
    error_message = "Only the given addresses deliver."
  }
}

run "no_address" {
  command = plan
  variables {
    delivery_addresses = ["everywhere"]
  }
  expect_failures = [var.delivery_addresses]
}

run "deep_archive_too_early" {
  command = plan
  variables {
    raw_archive = { after_days = 90, deep_after_days = 100 }
  }
  expect_failures = [var.raw_archive]
}
