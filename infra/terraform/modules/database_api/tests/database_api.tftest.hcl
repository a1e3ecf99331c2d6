mock_provider "aws" {}

variables {
  name = "shop"
  settings = {
    domain    = "vending", environment = "production", suffix = "prod", prefix = "hinode-vending", account = "123456789012", region = "ap-northeast-1"
    log_group = "/vending/prod"
  }
  role_arns       = { function = "arn:aws:iam::123456789012:role/hinode-vending-shop-api-prod", proxy = "arn:aws:iam::123456789012:role/hinode-vending-shop-proxy-prod" }
  variables       = { VENDING_COMPANY = "hinode" }
  image           = "registry/platform@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  repository      = "hinode-vending-prod"
  secret_arn      = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:vending/production/shop-api-AbCdEf"
  database        = { cluster = "shop", security_group_id = "sg-1", vpc_id = "vpc-2", subnet_ids = ["subnet-1", "subnet-2"] }
  host            = "shop-api.example.com"
  certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1"
}

run "the_parts_meet" {
  command = plan
  assert {
    condition     = aws_lambda_function.this.image_config[0].command[0] == "vending_platform.service.shop.aws_lambda.handler" && aws_lambda_function.this.environment[0].variables.VENDING_SERVICE_HOST == "shop-api.example.com"
    error_message = "The function runs the API's handler under the host's name."
  }
  assert {
    condition     = aws_db_proxy.this.require_tls && aws_db_proxy.this.engine_family == "MYSQL" && aws_db_proxy_target.cluster.db_cluster_identifier == "shop"
    error_message = "The proxy is in front of the cluster, over TLS alone."
  }
  assert {
    condition     = aws_apigatewayv2_integration.function.payload_format_version == "2.0" && aws_apigatewayv2_route.all.route_key == "$default" && aws_apigatewayv2_api.this.disable_execute_api_endpoint
    error_message = "Every request of the host's name, and of no other one, reaches the function."
  }
}

run "nothing_is_due" {
  command = plan
  assert {
    condition     = length(aws_cloudwatch_event_rule.due) == 0
    error_message = "Without a schedule nothing starts the function but requests."
  }
}

run "something_is_due_every_hour" {
  command = plan
  variables {
    due = "rate(1 hour)"
  }
  assert {
    condition     = aws_cloudwatch_event_rule.due[0].schedule_expression == "rate(1 hour)" && jsondecode(aws_cloudwatch_event_target.due[0].input).do == "due" && aws_lambda_permission.due[0].principal == "events.amazonaws.com"
    error_message = "The schedule may start the function, with the event that it knows."
  }
}

run "a_schedule_in_words" {
  command = plan
  variables {
    due = "hourly"
  }
  expect_failures = [var.due]
}

run "one_zone" {
  command = plan
  variables {
    database = { cluster = "shop", security_group_id = "sg-1", vpc_id = "vpc-2", subnet_ids = ["subnet-1"] }
  }
  expect_failures = [var.database]
}

run "an_image_by_its_tag" {
  command = plan
  variables {
    image = "registry/platform:latest"
  }
  expect_failures = [var.image]
}

run "an_address_for_a_host" {
  command = plan
  variables {
    host = "https://shop-api.example.com"
  }
  expect_failures = [var.host]
}

run "all_connections" {
  command = plan
  variables {
    connections_percent = 100
  }
  expect_failures = [var.connections_percent]
}

run "no_instances" {
  command = plan
  variables {
    instances = 1
  }
  expect_failures = [var.instances]
}

run "a_name_that_is_no_package" {
  command = plan
  variables {
    name = "Shop API"
  }
  expect_failures = [var.name]
}
