output "key_arn" {
  description = "VENDING_KMS_KEY; null in an environment without a customer key."
  value       = local.key_arn
}

output "bucket" {
  description = "The data bucket."
  value       = aws_s3_bucket.data.bucket
}

output "policy_values" {
  description = "What fills the policies' blanks, now with the key."
  value       = local.values
}
