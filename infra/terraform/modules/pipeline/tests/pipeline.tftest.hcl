mock_provider "aws" {}

variables {
  policies = "../../../../deployment/iam"
  settings = {
    domain    = "vending", environment = "production", suffix = "prod", prefix = "hinode-vending", account = "123456789012", region = "ap-northeast-1"
    prefixes  = { raw = "raw-data" }, has_key = true, alerts_topic = "alerts", queue = "arrivals", dead_letters = "arrivals-dlq"
    log_group = "/vending/prod", cluster = "hinode-vending-prod", run_task = "hinode-vending-run-prod"
    roles     = { for role in ["platform", "service", "dagster", "dagster-view", "execution"] : role => "hinode-vending-${role}-prod" }
  }
  policy_values = { account = "123456789012", region = "ap-northeast-1", bucket = "b", queue = "arrivals", topic = "alerts", platform_role = "arn:platform" }
  bucket        = "b"
  key_arn       = "arn:aws:kms:ap-northeast-1:123456789012:key/1"
  vpc_id        = "vpc-1"
  network_range = "10.40.0.0/16"
  subnet_ids    = ["subnet-1", "subnet-2", "subnet-3"]
  database      = { class = "db.t4g.small", gib = 20, two_zones = true, backup_days = 35 }
  variables     = { VENDING_COMPANY = "hinode" }
  login = {
    image           = "oauth2-proxy@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    issuer          = "https://login.example.com"
    client_id       = "dagster"
    certificate_arn = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1"
    view_host       = "dagster.example.com"
    operate_host    = "operate.dagster.example.com"
  }
}

run "before_an_image_nothing_is_started" {
  command = plan
  assert {
    condition     = length(aws_ecs_service.this) == 0 && length(aws_ecs_task_definition.run) == 0 && aws_ecr_repository.platform.image_tag_mutability == "IMMUTABLE"
    error_message = "The registry comes first, and the services with the image."
  }
}

run "with_an_image" {
  command = plan
  variables {
    image = "registry/platform@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
  assert {
    condition     = toset(keys(aws_ecs_service.this)) == toset(["code", "daemon", "operate", "view"])
    error_message = "Four services run."
  }
  assert {
    condition     = aws_ecs_service.this["daemon"].deployment_maximum_percent == 100 && aws_ecs_service.this["daemon"].desired_count == 1
    error_message = "There are never two daemons."
  }
  assert {
    condition     = aws_ecs_task_definition.run[0].family == "hinode-vending-run-prod"
    error_message = "The run's task has the name that Dagster's launcher looks for."
  }
  assert {
    condition     = aws_sqs_queue.arrivals[0].name == "arrivals" && aws_s3_bucket_notification.arrivals[0].queue[0].filter_prefix == "raw-data/"
    error_message = "New files below the raw place are announced."
  }
}

run "the_service_where_it_has_a_name" {
  command = plan
  variables {
    image   = "registry/platform@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    service = { host = "data.example.com" }
  }
  assert {
    condition     = contains(keys(aws_ecs_service.this), "service") && one(one(aws_lb_listener_rule.service[0].condition).host_header).values == toset(["data.example.com"])
    error_message = "The service is reached under its name."
  }
  assert {
    condition     = endswith(aws_ecs_task_definition.service["service"].task_role_arn, "role/hinode-vending-service-prod")
    error_message = "It has a role of its own."
  }
}

run "tokens_of_no_one" {
  command = plan
  variables {
    service = { host = "data.example.com", issuer = "https://login.example.com" }
  }
  expect_failures = [var.service]
}

run "an_image_by_its_tag" {
  command = plan
  variables {
    image = "registry/platform:latest"
  }
  expect_failures = [var.image]
}

run "a_secret_among_the_settings" {
  command = plan
  variables {
    variables = { PASSWORD = "x" }
  }
  expect_failures = [var.variables]
}
