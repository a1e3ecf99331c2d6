output "roles" {
  description = "The roles' ARNs."
  value       = { for role, resource in aws_iam_role.this : role => resource.arn }
}
