# What everything else stands on: the customer key, the data bucket with its access logs, the trail, and secrets without
# values.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

locals {
  trail   = "${var.settings.prefix}-data-${var.settings.suffix}"
  key_arn = one(aws_kms_key.data[*].arn)
  roles   = { for role, arn in var.role_arns : "${replace(role, "-", "_")}_role" => arn }
  of_apis = { api_roles = length(var.api_role_arns) == 0 ? "absent" : join("\", \"", var.api_role_arns) }
  values = merge(var.policy_values, local.roles, local.of_apis, {
    trail              = local.trail
    key                = local.key_arn == null ? "absent" : local.key_arn
    delivery_addresses = length(var.delivery_addresses) == 0 ? "absent" : join("\", \"", var.delivery_addresses)
  })
}

# --- the customer key

module "key_policy" {
  source = "../policy"
  count  = var.settings.has_key ? 1 : 0
  file   = "${var.policies}/key.json"
  values = merge(var.policy_values, local.roles, local.of_apis, { trail = local.trail })
}

resource "aws_kms_key" "data" {
  count                   = var.settings.has_key ? 1 : 0
  description             = "Everything of ${var.settings.domain} in ${var.settings.environment}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = module.key_policy[0].json

  lifecycle {
    prevent_destroy = true # without it no delivered file can be read again
  }
}

resource "aws_kms_alias" "data" {
  count         = var.settings.has_key ? 1 : 0
  name          = "alias/${coalesce(var.key_alias, "${var.settings.prefix}-data-${var.settings.suffix}")}"
  target_key_id = aws_kms_key.data[0].key_id
}

# --- the data bucket

resource "aws_s3_bucket" "data" {
  #checkov:skip=CKV2_AWS_62:modules/pipeline announces new objects, where a queue is declared
  #checkov:skip=CKV_AWS_144:the data may not leave its region; versions and the trail guard it there
  bucket = var.settings.bucket

  lifecycle {
    prevent_destroy = true # it holds the only copy of what was delivered
  }
}

resource "aws_s3_bucket_public_access_block" "data" {
  bucket                  = aws_s3_bucket.data.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "data" {
  bucket = aws_s3_bucket.data.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "data" {
  bucket = aws_s3_bucket.data.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "data" {
  bucket = aws_s3_bucket.data.id
  rule {
    bucket_key_enabled = var.settings.has_key
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.settings.has_key ? "aws:kms" : "AES256"
      kms_master_key_id = local.key_arn
    }
  }
}

resource "aws_s3_bucket_logging" "data" {
  bucket        = aws_s3_bucket.data.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "access/"
}

module "bucket_policy" {
  source = "../policy"
  file   = "${var.policies}/bucket.json"
  values = local.values
}

resource "aws_s3_bucket_policy" "data" {
  bucket     = aws_s3_bucket.data.id
  policy     = module.bucket_policy.json
  depends_on = [aws_s3_bucket_public_access_block.data]
}

resource "aws_s3_bucket_lifecycle_configuration" "data" {
  #checkov:skip=CKV_AWS_300:the first rule ends unfinished uploads; the scanner does not see it beside a dynamic one
  bucket = aws_s3_bucket.data.id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }

  rule {
    id     = "dagster-logs"
    status = "Enabled"
    filter {
      prefix = "dagster-logs/"
    }
    expiration {
      days = 90
    }
  }

  rule {
    id     = "athena-results"
    status = "Enabled"
    filter {
      prefix = "athena-results/"
    }
    expiration {
      days = 1
    }
  }

  dynamic "rule" {
    for_each = var.raw_archive == null ? [] : [var.raw_archive]
    content {
      id     = "archive"
      status = "Enabled"
      filter {
        prefix = "${var.settings.prefixes.raw}/"
      }
      transition {
        days          = rule.value.after_days
        storage_class = "GLACIER"
      }
      transition {
        days          = rule.value.deep_after_days
        storage_class = "DEEP_ARCHIVE"
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.data]
}

# --- who did what to it

resource "aws_s3_bucket" "logs" {
  #checkov:skip=CKV2_AWS_62:no one waits for access logs
  #checkov:skip=CKV_AWS_144:the logs may not leave their region
  #checkov:skip=CKV_AWS_18:a bucket of access logs that logs itself never ends
  #checkov:skip=CKV_AWS_145:S3 writes access logs only where its own key encrypts
  #checkov:skip=CKV_AWS_21:nothing in it is ever changed
  bucket = "${var.settings.bucket}-logs"

  lifecycle {
    prevent_destroy = true # auditors need it
  }
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = var.keep_logs_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

module "logs_policy" {
  source = "../policy"
  file   = "${var.policies}/logs-bucket.json"
  values = merge(local.values, { logs_bucket = aws_s3_bucket.logs.bucket })
}

resource "aws_s3_bucket_policy" "logs" {
  bucket     = aws_s3_bucket.logs.id
  policy     = module.logs_policy.json
  depends_on = [aws_s3_bucket_public_access_block.logs]
}

resource "aws_cloudtrail" "data" {
  #checkov:skip=CKV_AWS_67:the account's trail has all regions; this one has the objects of one bucket
  #checkov:skip=CKV_AWS_252:CloudWatch's alarms send messages; a topic of the trail would announce each file of it
  #checkov:skip=CKV2_AWS_10:the trail is for auditors, who read it in S3; CloudWatch would hold every access twice
  #checkov:skip=CKV_AWS_35:in staging there is no customer key, and S3's own encrypts
  name                       = local.trail
  s3_bucket_name             = aws_s3_bucket.logs.id
  s3_key_prefix              = "trail"
  enable_log_file_validation = true
  kms_key_id                 = local.key_arn

  advanced_event_selector {
    name = "Objects of the data bucket"
    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["arn:aws:s3:::${var.settings.bucket}/"]
    }
  }

  depends_on = [aws_s3_bucket_policy.logs]
}

# --- secrets, whose values people put in by themselves

resource "aws_secretsmanager_secret" "platform" {
  #checkov:skip=CKV2_AWS_57:their owners change them: a key pair of the warehouse, an address of a chat
  #checkov:skip=CKV_AWS_149:in staging there is no customer key, and AWS's own encrypts
  for_each                = var.settings.secrets
  name                    = each.value
  description             = "The ${each.key} secret of ${var.settings.domain} in ${var.settings.environment}"
  kms_key_id              = local.key_arn
  recovery_window_in_days = 30
}
