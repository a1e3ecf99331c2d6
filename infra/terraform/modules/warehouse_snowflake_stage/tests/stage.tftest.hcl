mock_provider "aws" {}

variables {
  policies      = "../../../../deployment/iam"
  settings      = { domain = "vending", environment = "production", account = "123456789012", roles = { snowflake = "hinode-vending-snowflake-prod" } }
  policy_values = { bucket = "b", work = "staging", key = "absent", region = "ap-northeast-1", account = "123456789012" }
}

run "before_the_integration_no_one" {
  command = plan
  assert {
    condition     = jsondecode(aws_iam_role.snowflake[0].assume_role_policy).Statement[0].Effect == "Deny"
    error_message = "No one takes the role before Snowflake has named who."
  }
}

run "then_snowflake_alone" {
  command = plan
  variables {
    integration = { user_arn = "arn:aws:iam::999999999999:user/snowflake", external_id = "AB12345_SFCRole=1" }
  }
  assert {
    condition     = jsondecode(aws_iam_role.snowflake[0].assume_role_policy).Statement[0].Condition.StringEquals["sts:ExternalId"] == "AB12345_SFCRole=1"
    error_message = "Only with its own external id."
  }
}

run "a_wildcard_is_no_user" {
  command = plan
  variables {
    integration = { user_arn = "arn:aws:iam::999999999999:user/*", external_id = "AB12345_SFCRole=1" }
  }
  expect_failures = [var.integration]
}

run "another_warehouse" {
  command = plan
  variables {
    enabled = false
  }
  assert {
    condition     = length(aws_iam_role.snowflake) == 0 && output.role_arn == null
    error_message = "Without Snowflake there is no role for it."
  }
}
