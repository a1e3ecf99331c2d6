variables {
  environment = "production"
  variables   = { company = "hinode", aws_account = "123456789012", aws_region = "ap-northeast-1", snowflake_account = "ab12345" }
  file        = "../../../../dbt_project/environments.yml"
}

run "names_come_from_the_file" {
  command = plan
  assert {
    condition     = output.settings.bucket == "hinode-vending-data-prod" && output.settings.prefixes.raw == "raw-data"
    error_message = "The bucket and the prefixes are those of the places."
  }
  assert {
    condition     = output.settings.suffix == "prod" && output.settings.has_key && output.policy_values.encryption == "aws:kms"
    error_message = "Production has a key."
  }
  assert {
    condition     = output.settings.warehouse.account == "ab12345"
    error_message = "Every variable in braces is filled in."
  }
}

run "tables_of_dynamodb" {
  command = plan
  assert {
    condition     = output.policy_values.exported_tables == "arn:aws:dynamodb:ap-northeast-1:123456789012:table/vending-app-production" && output.policy_values.table_exports == "${output.policy_values.exported_tables}/export/*"
    error_message = "The platform exports the tables that are declared, and follows their exports."
  }
  assert {
    condition     = output.policy_values.scanned_tables == "absent" && output.policy_values.item_exports == "arn:aws:s3:::hinode-vending-data-prod/raw-data/internal/dynamodb-exports/*"
    error_message = "A table with exports is not scanned, and its exports are where they are declared."
  }
  assert {
    condition     = output.settings.secrets["api-shop-keys"] == "vending/production/shop-api-keys" && output.settings.secrets["api-shop-owner"] == "vending/production/shop-owner"
    error_message = "Each secret of an API over a database is made."
  }
}

run "staging_has_no_key" {
  command = plan
  variables {
    environment = "staging"
  }
  assert {
    condition     = !output.settings.has_key && output.policy_values.encryption == "AES256" && output.policy_values.copy_role == "absent"
    error_message = "Staging has no key, and Snowflake no role for COPY."
  }
}

run "development_needs_no_account" {
  command = plan
  variables {
    environment = "development"
  }
  expect_failures = [var.environment]
}
