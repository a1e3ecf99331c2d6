output "roles" {
  description = "The roles' ARNs."
  value       = { for role, resource in merge(aws_iam_role.this, aws_iam_role.api) : role => resource.arn }
}

output "api_role_arns" {
  description = "The roles of APIs over databases, which the key's policy names."
  value       = [for resource in values(aws_iam_role.api) : resource.arn]
}
