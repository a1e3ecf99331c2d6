output "workgroup" {
  description = "The workgroup, as environments.yml names it."
  value       = aws_redshiftserverless_workgroup.this.workgroup_name
}

output "arn" {
  description = "The workgroup's ARN."
  value       = aws_redshiftserverless_workgroup.this.arn
}
