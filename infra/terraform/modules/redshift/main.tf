# Redshift Serverless: a namespace with what is stored, and a workgroup that computes, pauses when idle and has an upper limit.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

resource "aws_security_group" "workgroup" {
  name        = "${var.settings.cluster}-redshift"
  description = "Redshift, from the tasks that run dbt"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "dbt" {
  description                  = "dbt speaks Redshift's own protocol; everything else uses the Data API"
  security_group_id            = aws_security_group.workgroup.id
  referenced_security_group_id = var.client_security_group_id
  from_port                    = 5439
  to_port                      = 5439
  ip_protocol                  = "tcp"
}

resource "aws_redshiftserverless_namespace" "this" {
  #checkov:skip=CKV_AWS_154:it is encrypted with the customer key, which staging may not have
  namespace_name       = var.settings.warehouse.workgroup
  db_name              = var.settings.warehouse.database
  kms_key_id           = var.key_arn
  iam_roles            = [var.copy_role_arn]
  default_iam_role_arn = var.copy_role_arn
  # No one logs in with a password; the administrator's is kept by AWS.
  manage_admin_password = true
  log_exports           = ["connectionlog", "userlog", "useractivitylog"]

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_redshiftserverless_workgroup" "this" {
  workgroup_name       = var.settings.warehouse.workgroup
  namespace_name       = aws_redshiftserverless_namespace.this.namespace_name
  base_capacity        = var.capacity.base
  max_capacity         = var.capacity.most
  publicly_accessible  = false
  enhanced_vpc_routing = true
  subnet_ids           = var.subnet_ids
  security_group_ids   = [aws_security_group.workgroup.id]
  tags                 = { Name = var.settings.warehouse.workgroup } # the policies know it by this tag: its ARN is not known before

  config_parameter {
    parameter_key   = "require_ssl"
    parameter_value = "true"
  }
  config_parameter {
    parameter_key   = "max_query_execution_time"
    parameter_value = tostring(var.longest_query_seconds)
  }
}

resource "aws_redshiftserverless_usage_limit" "monthly" {
  resource_arn  = aws_redshiftserverless_workgroup.this.arn
  usage_type    = "serverless-compute"
  period        = "monthly"
  amount        = var.capacity.hours_a_month
  breach_action = "deactivate"
}
