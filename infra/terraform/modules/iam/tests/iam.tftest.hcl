mock_provider "aws" {}

variables {
  policies     = "../../../../deployment/iam"
  database_arn = "arn:aws:rds:ap-northeast-1:123456789012:db:dagster"
  settings = {
    domain = "vending", environment = "production", account = "123456789012", has_lake = true, warehouse = { type = "snowflake" }
    roles  = { for role in ["platform", "dagster", "dagster-view", "execution", "deliverer", "reader", "operator"] : role => "hinode-vending-${role}-prod" }
  }
  policy_values = merge(
    { for name in ["bucket", "raw", "processed", "artifacts", "work", "queue", "dead_letters", "topic", "cluster", "run_task", "log_group", "warehouse_secret", "slack_secret", "login_secret", "lineage_secret", "pseudonyms_secret", "lake", "lake_databases", "connection_secrets", "token_secrets", "database_secrets", "extracted", "workgroup", "item_tables", "exported_tables", "table_exports", "item_exports", "scanned_tables"] : name => name },
    { account = "123456789012", region = "ap-northeast-1", key = "absent", platform_role = "p", execution_role = "e" },
  )
  trusted = { operator = ["arn:aws:iam::123456789012:role/on-duty"] }
}

run "roles" {
  command = plan
  assert {
    condition     = sort(keys(aws_iam_role.this)) == sort(keys(var.settings.roles))
    error_message = "Each role that is declared is made, and no other."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this["operator"].assume_role_policy).Statement[0].Principal.AWS == ["arn:aws:iam::123456789012:role/on-duty"]
    error_message = "A role of people is taken by who is named."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this["reader"].assume_role_policy).Statement[0].Effect == "Deny"
    error_message = "Before someone is named no one takes it."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.this["platform/platform"].policy, "kms:")
    error_message = "Without a key there is no right to use one."
  }
}

run "an_api_over_a_database" {
  command = plan
  variables {
    apis = { shop = { database = "vending/production/shop-api", keys = "vending/production/shop-api-keys" } }
    settings = {
      domain = "vending", environment = "production", suffix = "prod", prefix = "hinode-vending", account = "123456789012", has_lake = true, warehouse = { type = "snowflake" }
      roles  = { for role in ["platform", "dagster", "dagster-view", "execution", "deliverer", "reader", "operator"] : role => "hinode-vending-${role}-prod" }
    }
  }
  assert {
    condition     = aws_iam_role.api["shop-api"].name == "hinode-vending-shop-api-prod" && keys(aws_iam_role_policy_attachment.api) == ["shop-api"]
    error_message = "The function has a role of its own, and only that one is placed in the network."
  }
  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.api["shop-proxy"].policy).Statement : statement.Resource] == [["arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:vending/production/shop-api-??????"]]
    error_message = "The proxy reads the secret of the database's user, and nothing else."
  }
}

run "a_wildcard_is_no_principal" {
  command = plan
  variables {
    trusted = { reader = ["arn:aws:iam::123456789012:role/*"] }
  }
  expect_failures = [var.trusted]
}

run "the_platforms_role_is_no_ones" {
  command = plan
  variables {
    trusted = { platform = ["arn:aws:iam::123456789012:role/someone"] }
  }
  expect_failures = [var.trusted]
}
