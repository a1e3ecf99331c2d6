# Dagster's own history.

resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "PostgreSQL, from Dagster's services and runs"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  description                  = "Dagster's services and runs"
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_db_subnet_group" "dagster" {
  name       = "${local.name}-dagster"
  subnet_ids = var.subnet_ids
}

resource "aws_db_parameter_group" "dagster" {
  name        = "${local.name}-dagster"
  family      = "postgres16"
  description = "TLS only; slow statements and connections are logged"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name  = "log_connections"
    value = "1"
  }
  parameter {
    name  = "log_min_duration_statement"
    value = "5000"
  }
  parameter {
    name  = "log_statement"
    value = "ddl"
  }
}

resource "aws_db_instance" "dagster" {
  #checkov:skip=CKV_AWS_161:Dagster logs in with a password, which AWS keeps and changes
  #checkov:skip=CKV_AWS_118:its figures of every minute are enough for a scheduler's history
  #checkov:skip=CKV_AWS_157:in staging one zone is enough: its history can be lost
  #checkov:skip=CKV_AWS_354:in staging there is no customer key
  identifier                      = "${local.name}-dagster"
  engine                          = "postgres"
  engine_version                  = "16"
  instance_class                  = var.database.class
  allocated_storage               = var.database.gib
  max_allocated_storage           = var.database.gib * 4
  storage_encrypted               = true
  kms_key_id                      = var.key_arn
  db_name                         = "dagster"
  username                        = "dagster"
  manage_master_user_password     = true
  master_user_secret_kms_key_id   = var.key_arn
  db_subnet_group_name            = aws_db_subnet_group.dagster.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  parameter_group_name            = aws_db_parameter_group.dagster.name
  publicly_accessible             = false
  multi_az                        = var.database.two_zones
  backup_retention_period         = var.database.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = true
  skip_final_snapshot             = false
  final_snapshot_identifier       = "${local.name}-dagster-last"
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.key_arn
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
}
