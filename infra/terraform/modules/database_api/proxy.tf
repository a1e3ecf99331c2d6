# RDS Proxy: one pool of the database's connections for all instances of the function.

resource "aws_db_proxy" "this" {
  name                   = local.name
  engine_family          = "MYSQL"
  role_arn               = var.role_arns.proxy
  vpc_subnet_ids         = var.database.subnet_ids
  vpc_security_group_ids = [aws_security_group.proxy.id]
  require_tls            = true
  idle_client_timeout    = 1800
  debug_logging          = false # it would log statements, with what customers wrote

  auth {
    auth_scheme = "SECRETS"
    iam_auth    = "DISABLED"
    secret_arn  = var.secret_arn
  }
}

resource "aws_db_proxy_default_target_group" "this" {
  db_proxy_name = aws_db_proxy.this.name

  connection_pool_config {
    max_connections_percent      = var.connections_percent
    max_idle_connections_percent = floor(var.connections_percent / 2)
    connection_borrow_timeout    = 5
    # What the API needs of a session, so that it changes none: the proxy would keep that one for a client alone.
    init_query = "SET sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = 5"
  }
}

resource "aws_db_proxy_target" "cluster" {
  db_proxy_name         = aws_db_proxy.this.name
  target_group_name     = aws_db_proxy_default_target_group.this.name
  db_cluster_identifier = var.database.cluster
}

resource "aws_security_group" "proxy" {
  #checkov:skip=CKV2_AWS_5:RDS Proxy has it, which the scanner does not know as a user of security groups
  name        = "${local.name}-proxy"
  description = "The database's proxy, for the API's function alone"
  vpc_id      = var.database.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "function" {
  description                  = "The API's function"
  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = aws_security_group.function.id
  from_port                    = 3306
  to_port                      = 3306
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "database" {
  description                  = "The database"
  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = var.database.security_group_id
  from_port                    = 3306
  to_port                      = 3306
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  description                  = "The proxy of the ${var.name}'s API"
  security_group_id            = var.database.security_group_id
  referenced_security_group_id = aws_security_group.proxy.id
  from_port                    = 3306
  to_port                      = 3306
  ip_protocol                  = "tcp"
}
