mock_provider "aws" {}

variables {
  settings = { domain = "vending", environment = "production", athena = "production-vending-lake" }
  bucket   = "hinode-vending-data-prod"
  key_arn  = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
}

run "results_are_encrypted_with_the_key" {
  command = plan
  assert {
    condition     = aws_athena_workgroup.this.name == "production-vending-lake" && aws_athena_workgroup.this.configuration[0].enforce_workgroup_configuration
    error_message = "No one chooses another place for results."
  }
  assert {
    condition     = one(aws_athena_workgroup.this.configuration[0].result_configuration[0].encryption_configuration).encryption_option == "SSE_KMS"
    error_message = "Where there is a key, it encrypts."
  }
}

run "a_limit_that_athena_does_not_take" {
  command = plan
  variables {
    most_bytes = 1000
  }
  expect_failures = [var.most_bytes]
}
