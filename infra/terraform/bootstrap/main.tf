# What has to be there before anything else can be made: where Terraform keeps its state, with a lock, and who may run it.
# It is applied once in each account by an administrator, and its own state is then kept in the bucket that it made.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = { managed_by = "terraform" }
  }
}

locals {
  bucket = "${var.prefix}-terraform-state-${var.suffix}"
  roles = {
    # A pull request of this repository may look, but not change.
    plan = { subject = "repo:${var.repository}:pull_request", policy = "arn:aws:iam::aws:policy/ReadOnlyAccess" }
    # Only a job of the environment that people approve may change something.
    apply = { subject = "repo:${var.repository}:environment:${var.prefix}-${var.suffix}", policy = "arn:aws:iam::aws:policy/AdministratorAccess" }
  }
}

resource "aws_kms_key" "state" {
  description             = "Terraform's state"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ThisAccount"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${var.account}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:the account's trail has who reads the state
  #checkov:skip=CKV2_AWS_62:no one waits for a new state
  #checkov:skip=CKV_AWS_144:its versions guard it; a state can be imported again from what is there
  bucket = local.bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.state.arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    id     = "old-states"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 365
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::${local.bucket}", "arn:aws:s3:::${local.bucket}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

# --- who may run Terraform: jobs of the repository, without a key that is stored anywhere

resource "aws_iam_openid_connect_provider" "jobs" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "terraform" {
  #checkov:skip=CKV_AWS_274:it makes whole accounts; only an approved job of one repository can take it
  for_each             = local.roles
  name                 = "${var.prefix}-terraform-${each.key}-${var.suffix}"
  description          = "terraform ${each.key}, for jobs of ${var.repository}"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "JobsOfTheRepository"
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.jobs.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = each.value.subject
      } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "terraform" {
  #checkov:skip=CKV_AWS_274:it makes whole accounts; only an approved job of one repository can take it
  for_each   = local.roles
  role       = aws_iam_role.terraform[each.key].name
  policy_arn = each.value.policy
}

# Reading is not for deliveries, exports or secrets: a plan needs the state and nothing else.
resource "aws_iam_role_policy" "plan" {
  name = "no-data"
  role = aws_iam_role.terraform["plan"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "NoData", Effect = "Deny", Action = ["s3:GetObject", "s3:GetObjectVersion"], NotResource = "arn:aws:s3:::${local.bucket}/*" },
      { Sid = "NoSecrets", Effect = "Deny", Action = ["secretsmanager:GetSecretValue", "ssm:GetParameter*"], Resource = "*" },
      { Sid = "Lock", Effect = "Allow", Action = ["s3:PutObject", "s3:DeleteObject"], Resource = "arn:aws:s3:::${local.bucket}/*.tflock" },
      { Sid = "DecryptTheState", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = aws_kms_key.state.arn },
    ]
  })
}
