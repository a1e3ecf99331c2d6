# The role that Snowflake's storage integration takes to read batches. Snowflake names who takes it
# (`desc integration`), so until then no one may.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

variable "settings" {
  description = "The environment, from modules/settings."
  type        = any
}

variable "policy_values" {
  description = "What fills the policies' blanks, from modules/foundation."
  type        = map(string)
}

variable "policies" {
  description = "The folder of the policies."
  type        = string
}

variable "enabled" {
  description = "Whether Snowflake is the warehouse. A `count` of the module would tie the role to its policy, which names the key, which names the role."
  type        = bool
  default     = true
}

variable "integration" {
  description = "STORAGE_AWS_IAM_USER_ARN and STORAGE_AWS_EXTERNAL_ID of `desc integration`; null before it is made."
  type        = object({ user_arn = string, external_id = string })
  default     = null

  validation {
    condition     = var.integration == null || (can(regex("^arn:aws:iam::[0-9]{12}:(user|role)/[^*]+$", var.integration.user_arn)) && length(try(var.integration.external_id, "")) >= 8)
    error_message = "user_arn is the ARN of one user, and external_id has 8 characters or more."
  }
}

module "policy" {
  count  = var.enabled ? 1 : 0
  source = "../policy"
  file   = "${var.policies}/snowflake.json"
  values = var.policy_values
}

resource "aws_iam_role" "snowflake" {
  count       = var.enabled ? 1 : 0
  name        = var.settings.roles.snowflake
  description = "snowflake of ${var.settings.domain} in ${var.settings.environment}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = var.integration == null ? "NoOneYet" : "Snowflake"
      Effect    = var.integration == null ? "Deny" : "Allow"
      Principal = { AWS = var.integration == null ? "arn:aws:iam::${var.settings.account}:root" : var.integration.user_arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.integration == null ? "none" : var.integration.external_id } }
    }]
  })
}

resource "aws_iam_role_policy" "snowflake" {
  count  = var.enabled ? 1 : 0
  name   = "snowflake"
  role   = aws_iam_role.snowflake[0].name
  policy = module.policy[0].json
}

output "role_arn" {
  description = "STORAGE_AWS_ROLE_ARN of the storage integration (docs/snowflake-setup.sql)."
  value       = one(aws_iam_role.snowflake[*].arn)
}
