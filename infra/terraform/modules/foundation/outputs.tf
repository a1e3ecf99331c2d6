output "key_arn" {
  description = "VENDING_KMS_KEY; null in an environment without a customer key."
  value       = local.key_arn
}

output "bucket" {
  description = "The data bucket."
  value       = aws_s3_bucket.data.bucket
}

output "secret_arns" {
  description = "The secrets, by what they are for."
  value       = { for name, secret in aws_secretsmanager_secret.platform : name => secret.arn }
}

output "policy_values" {
  description = "What fills the policies' blanks, now with the key."
  value       = local.values
}
