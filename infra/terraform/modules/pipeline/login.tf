# People reach the two UIs from inside the network, through a log-in: Dagster has none.

locals {
  login_secret = "${var.settings.domain}/${var.settings.environment}/login"
  proxies = { for name, host in local.hosts : name => merge(local.hardened, {
    name             = "login"
    image            = var.login.image
    portMappings     = [{ name = "login", containerPort = 4180, protocol = "tcp" }]
    mountPoints      = []
    logConfiguration = local.log.login
    # As in deployment/compose.yaml, where the reasons stand.
    environment = [for key, value in {
      OAUTH2_PROXY_ALLOWED_GROUPS       = "${var.settings.domain}-${local.services[name].login}"
      OAUTH2_PROXY_CLIENT_ID            = var.login.client_id
      OAUTH2_PROXY_COOKIE_CSRF_SAMESITE = "lax"
      OAUTH2_PROXY_COOKIE_EXPIRE        = "10h"
      OAUTH2_PROXY_COOKIE_NAME          = "_${var.settings.domain}_${name}"
      OAUTH2_PROXY_COOKIE_SAMESITE      = "strict"
      OAUTH2_PROXY_COOKIE_SECURE        = "true"
      OAUTH2_PROXY_EMAIL_DOMAINS        = "*"
      OAUTH2_PROXY_HTTP_ADDRESS         = "0.0.0.0:4180"
      OAUTH2_PROXY_OIDC_ISSUER_URL      = var.login.issuer
      OAUTH2_PROXY_PROVIDER             = "oidc"
      OAUTH2_PROXY_REDIRECT_URL         = "https://${host}/oauth2/callback"
      OAUTH2_PROXY_REQUEST_LOGGING      = "true"
      OAUTH2_PROXY_REVERSE_PROXY        = "true"
      OAUTH2_PROXY_UPSTREAMS            = "http://127.0.0.1:3000"
    } : { name = key, value = value }]
    secrets = [
      { name = "OAUTH2_PROXY_CLIENT_SECRET", valueFrom = "${aws_secretsmanager_secret.login.arn}:client_secret::" },
      { name = "OAUTH2_PROXY_COOKIE_SECRET", valueFrom = "${aws_secretsmanager_secret.login.arn}:cookie_secret::" },
    ]
  }) }
}

resource "aws_secretsmanager_secret" "login" {
  #checkov:skip=CKV2_AWS_57:the identity provider's administrator changes it
  #checkov:skip=CKV_AWS_149:in staging there is no customer key, and AWS's own encrypts
  name                    = local.login_secret
  description             = "client_secret and cookie_secret of the log-in, as JSON"
  kms_key_id              = var.key_arn
  recovery_window_in_days = 30
}

resource "aws_security_group" "balancer" {
  name        = "${local.name}-balancer"
  description = "HTTPS from this network to the UIs' log-ins"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  description       = "HTTPS from this network"
  security_group_id = aws_security_group.balancer.id
  cidr_ipv4         = var.network_range
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  description                  = "The log-ins"
  security_group_id            = aws_security_group.balancer.id
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 4180
  to_port                      = 4180
  ip_protocol                  = "tcp"
}

resource "aws_lb" "ui" {
  #checkov:skip=CKV_AWS_91:every request is in the log of the log-in, with who sent it
  #checkov:skip=CKV2_AWS_28:it is reached from inside the network only
  #checkov:skip=CKV2_AWS_20:it listens for nothing but HTTPS
  name                       = "${var.settings.prefix}-ui-${var.settings.suffix}"
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = true
}

resource "aws_lb_target_group" "ui" {
  #checkov:skip=CKV_AWS_378:TLS ends at the balancer, in the same network
  for_each    = local.hosts
  name        = "${var.settings.prefix}-${each.key}-${var.settings.suffix}"
  vpc_id      = var.vpc_id
  port        = 4180
  protocol    = "HTTP"
  target_type = "ip"

  health_check {
    path    = "/ping"
    matcher = "200"
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.ui.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.login.certificate_arn

  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "There is nothing under this name."
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "ui" {
  for_each     = local.hosts
  listener_arn = aws_lb_listener.https.arn
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.ui[each.key].arn
  }
  condition {
    host_header {
      values = [each.value]
    }
  }
}
