output "repository_url" {
  description = "Where the image is pushed."
  value       = aws_ecr_repository.platform.repository_url
}

output "repository" {
  description = "The name of the image's registry."
  value       = aws_ecr_repository.platform.name
}

output "topic_arn" {
  description = "Where alarms and alerts go."
  value       = aws_sns_topic.alerts.arn
}

output "tasks_security_group_id" {
  description = "Of Dagster's services and runs."
  value       = aws_security_group.tasks.id
}

output "database" {
  description = "Dagster's database, for alarms and for the role that reads its password."
  value       = { id = aws_db_instance.dagster.identifier, arn = "arn:aws:rds:${var.settings.region}:${var.settings.account}:db:${local.name}-dagster" }
}

output "login_secret" {
  description = "Whose value people put in: client_secret and cookie_secret."
  value       = local.login_secret
}

output "balancer_dns" {
  description = "What the UIs' names point to."
  value       = aws_lb.ui.dns_name
}

output "services" {
  description = "The services that run."
  value       = [for name in keys(local.started) : name]
}
