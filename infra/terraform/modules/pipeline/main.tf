# What runs: the image's registry, Dagster's services and runs on ECS, their log.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

locals {
  name      = var.settings.cluster
  role_arns = { for role, name in var.settings.roles : role => "arn:aws:iam::${var.settings.account}:role/${name}" }

  # The commands are those of deployment/compose.yaml; a test compares them.
  webserver = ["vending-webserver", "--host", "0.0.0.0", "--port", "3000", "--workspace", "deployment/workspace.yaml"]
  services = {
    code = {
      role    = "platform", port = 4000, cpu = 512, memory = 2048, login = null
      command = ["dagster", "api", "grpc", "--host", "0.0.0.0", "--port", "4000", "--location-name", var.settings.domain, "--module-name", "vending_platform.definitions", "--attribute", var.settings.domain]
      health  = ["CMD", "dagster", "api", "grpc-health-check", "--port", "4000"]
    }
    daemon = {
      role    = "dagster", port = null, cpu = 512, memory = 1024, login = null
      command = ["dagster-daemon", "run", "--workspace", "deployment/workspace.yaml"]
      health  = ["CMD", "dagster-daemon", "liveness-check"]
    }
    view = {
      role    = "dagster-view", port = 3000, cpu = 512, memory = 1024, login = "viewers"
      command = concat(local.webserver, ["--read-only", "--served-as", var.login.view_host])
      health  = local.webserver_health
    }
    operate = {
      role    = "dagster", port = 3000, cpu = 512, memory = 1024, login = "operators"
      command = concat(local.webserver, ["--served-as", var.login.operate_host])
      health  = local.webserver_health
    }
  }
  # The pipeline's API and the dashboard, which has a log-in of its own; where a name for it is given.
  with_service = var.service == null ? {} : { service = {
    role    = "service", port = 8000, cpu = 512, memory = 1024, login = null
    command = ["python", "-m", "vending_platform.service", "--host", "0.0.0.0", "--port", "8000"]
    health  = ["CMD", "python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz')"]
  } }
  all_services     = merge(local.services, local.with_service)
  webserver_health = ["CMD", "python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:3000/server_info')"]
  started          = var.image == null ? {} : local.all_services
  hosts            = { view = var.login.view_host, operate = var.login.operate_host }

  environment = merge(var.variables, {
    AWS_DEFAULT_REGION    = var.settings.region
    DAGSTER_CLUSTER       = local.name
    DAGSTER_LOGS_BUCKET   = var.bucket
    DAGSTER_POSTGRES_DB   = "dagster"
    DAGSTER_POSTGRES_HOST = aws_db_instance.dagster.address
    DAGSTER_POSTGRES_USER = "dagster"
    DAGSTER_RUN_TASK      = var.settings.run_task
    PGSSLROOTCERT         = "/srv/dagster/rds.pem"
    VENDING_DOMAIN        = var.settings.domain
    VENDING_ENV           = var.settings.environment
  })
  of_service = var.service == null ? {} : { for name, value in {
    VENDING_DAGSTER_URL    = "http://${var.login.operate_host}:3000"
    VENDING_SERVICE_HOST   = var.service.host
    VENDING_TOKEN_ISSUER   = var.service.issuer
    VENDING_TOKEN_AUDIENCE = var.service.audience
  } : name => value if value != null }
  password = [{ name = "DAGSTER_POSTGRES_PASSWORD", valueFrom = "${aws_db_instance.dagster.master_user_secret[0].secret_arn}:password::" }]
  log = { for name in concat(keys(local.all_services), ["run", "login"]) : name => {
    logDriver = "awslogs"
    options   = { awslogs-group = var.settings.log_group, awslogs-region = var.settings.region, awslogs-stream-prefix = name }
  } }

  # Root may be written to nowhere but in two volumes, as in the image.
  hardened = {
    essential              = true
    readonlyRootFilesystem = true
    privileged             = false
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    mountPoints = [
      { sourceVolume = "tmp", containerPath = "/tmp" },
      { sourceVolume = "scratch", containerPath = "/srv/vending/scratch/ingestion" },
    ]
  }
  platform = { for name, service in merge(local.all_services, { run = { command = null, health = null, port = null } }) : name => merge(local.hardened, {
    name             = name
    image            = coalesce(var.image, "none")
    environment      = [for key, value in merge(local.environment, name == "service" ? local.of_service : {}) : { name = key, value = value }]
    secrets          = [for secret in local.password : secret if name != "service"]
    logConfiguration = local.log[name]
    },
    service.command == null ? {} : { command = service.command },
    service.health == null ? {} : { healthCheck = { command = service.health, interval = 30, timeout = 20, retries = 5, startPeriod = 120 } },
    service.port == null ? {} : { portMappings = [{ name = name, containerPort = service.port, protocol = "tcp" }] },
  ) }
}

resource "aws_ecr_repository" "platform" {
  #checkov:skip=CKV_AWS_136:in staging there is no customer key, and AWS's own encrypts
  name                 = local.name
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = var.settings.has_key ? "KMS" : "AES256"
    kms_key         = var.key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "platform" {
  repository = aws_ecr_repository.platform.name
  policy = jsonencode({ rules = [{
    rulePriority = 1
    description  = "Fifty releases, to go back to"
    selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 50 }
    action       = { type = "expire" }
  }] })
}

resource "aws_cloudwatch_log_group" "platform" {
  #checkov:skip=CKV_AWS_158:in staging there is no customer key, and CloudWatch's own encrypts
  #checkov:skip=CKV_AWS_338:it is kept for as long as is set, which is 90 days at least
  name              = var.settings.log_group
  retention_in_days = var.keep_logs_days
  kms_key_id        = var.key_arn
}

resource "aws_ecs_cluster" "this" {
  name = local.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_service_discovery_http_namespace" "this" {
  name        = local.name
  description = "Where daemon and UIs find the code location"
}

resource "aws_security_group" "tasks" {
  name        = "${local.name}-tasks"
  description = "Dagster's services and runs"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "code" {
  description                  = "Daemon and UIs ask the code location"
  security_group_id            = aws_security_group.tasks.id
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 4000
  to_port                      = 4000
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "login" {
  description                  = "People reach a UI through its log-in"
  security_group_id            = aws_security_group.tasks.id
  referenced_security_group_id = aws_security_group.balancer.id
  from_port                    = 4180
  to_port                      = 4180
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "https" {
  description       = "AWS's endpoints, the warehouse, the chat, the identity provider"
  security_group_id = aws_security_group.tasks.id
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "inside" {
  for_each          = { code = 4000, database = 5432, redshift = 5439 }
  description       = "${each.key}, inside this network"
  security_group_id = aws_security_group.tasks.id
  cidr_ipv4         = var.network_range
  from_port         = each.value
  to_port           = each.value
  ip_protocol       = "tcp"
}

resource "aws_ecs_task_definition" "service" {
  for_each                 = local.started
  family                   = "${local.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  execution_role_arn       = local.role_arns.execution
  task_role_arn            = local.role_arns[each.value.role]
  container_definitions = jsonencode(concat(
    [local.platform[each.key]],
    each.value.login == null ? [] : [local.proxies[each.key]],
  ))

  dynamic "volume" {
    for_each = ["tmp", "scratch"]
    content {
      name = volume.value
    }
  }
}

# A run: a task of its own, which Dagster starts by this family.
resource "aws_ecs_task_definition" "run" {
  count                    = var.image == null ? 0 : 1
  family                   = var.settings.run_task
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.run.cpu
  memory                   = var.run.memory
  execution_role_arn       = local.role_arns.execution
  task_role_arn            = local.role_arns.platform
  container_definitions    = jsonencode([local.platform.run])

  ephemeral_storage {
    size_in_gib = 50 # room for the largest delivered file, twice
  }
  dynamic "volume" {
    for_each = ["tmp", "scratch"]
    content {
      name = volume.value
    }
  }
}

resource "aws_ecs_service" "this" {
  for_each                          = local.started
  name                              = each.key
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.service[each.key].arn
  desired_count                     = 1 # of the daemon there must never be two
  launch_type                       = "FARGATE"
  platform_version                  = "LATEST"
  enable_execute_command            = false
  health_check_grace_period_seconds = each.value.login == null && each.key != "service" ? null : 120
  # One daemon stops before the next one starts.
  deployment_minimum_healthy_percent = each.key == "daemon" ? 0 : 100
  deployment_maximum_percent         = each.key == "daemon" ? 100 : 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }
  service_connect_configuration {
    enabled   = true
    namespace = aws_service_discovery_http_namespace.this.arn

    # The code location is found by daemon and UIs, and the UI of those on duty, under its own name, by the service.
    dynamic "service" {
      for_each = { for name, found in { code = ["code", 4000], operate = [var.login.operate_host, 3000] } : name => found if name == each.key }
      content {
        port_name = service.key
        client_alias {
          dns_name = service.value[0]
          port     = service.value[1]
        }
      }
    }
  }
  dynamic "load_balancer" {
    for_each = each.value.login == null ? [] : [each.key]
    content {
      target_group_arn = aws_lb_target_group.ui[each.key].arn
      container_name   = "login"
      container_port   = 4180
    }
  }
  dynamic "load_balancer" {
    for_each = each.key == "service" ? [8000] : []
    content {
      target_group_arn = aws_lb_target_group.service[0].arn
      container_name   = "service"
      container_port   = load_balancer.value
    }
  }
}
