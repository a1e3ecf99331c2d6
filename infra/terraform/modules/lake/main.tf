# Athena over the lake: a workgroup that says where results lie, how they are encrypted, and what one query may scan at most.
# The lake's databases and tables in Glue are made by the platform, from contracts.

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

variable "bucket" {
  description = "Where the lake is, and results lie below athena-results/."
  type        = string
}

variable "key_arn" {
  description = "The customer key; null where S3's own encrypts."
  type        = string
  default     = null
}

variable "most_bytes" {
  description = "What one query may scan."
  type        = number
  default     = 100000000000

  validation {
    condition     = var.most_bytes >= 10000000
    error_message = "Athena takes no limit below ten megabytes."
  }
}

resource "aws_athena_workgroup" "this" {
  name        = var.settings.athena
  description = "The lake of ${var.settings.domain} in ${var.settings.environment}"

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.most_bytes

    result_configuration {
      output_location = "s3://${var.bucket}/athena-results/"
      encryption_configuration {
        encryption_option = var.key_arn == null ? "SSE_S3" : "SSE_KMS"
        kms_key_arn       = var.key_arn
      }
    }
  }
}
