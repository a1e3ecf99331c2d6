mock_provider "aws" {}

variables {
  settings                 = { cluster = "hinode-dpc-prod", warehouse = { type = "redshift", workgroup = "dpc-learning-prod", database = "dpc" } }
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-1", "subnet-2", "subnet-3"]
  client_security_group_id = "sg-1"
  copy_role_arn            = "arn:aws:iam::123456789012:role/copy"
  key_arn                  = "arn:aws:kms:ap-northeast-1:123456789012:key/1"
}

run "it_is_private_and_has_limits" {
  command = plan
  assert {
    condition     = aws_redshiftserverless_workgroup.this.base_capacity == 8 && aws_redshiftserverless_workgroup.this.max_capacity == 32
    error_message = "It begins with 8 RPU, and has an upper limit."
  }
  assert {
    condition     = !aws_redshiftserverless_workgroup.this.publicly_accessible && aws_redshiftserverless_usage_limit.monthly.breach_action == "deactivate"
    error_message = "It is private, and is switched off when the month's hours are used."
  }
  assert {
    condition     = aws_redshiftserverless_namespace.this.kms_key_id == var.key_arn && aws_redshiftserverless_namespace.this.manage_admin_password
    error_message = "It is encrypted with the key, and no one has the administrator's password."
  }
}

run "odd_capacity" {
  command = plan
  variables {
    capacity = { base = 12, most = 32, hours_a_month = 1 }
  }
  expect_failures = [var.capacity]
}

run "two_zones" {
  command = plan
  variables {
    subnet_ids = ["subnet-1", "subnet-2"]
  }
  expect_failures = [var.subnet_ids]
}
