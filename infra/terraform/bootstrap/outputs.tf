output "backend" {
  description = "Where the state is kept, for `terraform init -backend-config`."
  value       = { bucket = aws_s3_bucket.state.bucket, region = var.region, kms_key_id = aws_kms_key.state.arn }
}

output "roles" {
  description = "For the workflow: who plans and who applies."
  value       = { for name, role in aws_iam_role.terraform : name => role.arn }
}
