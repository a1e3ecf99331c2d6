output "repository_url" {
  description = "Where the image is pushed."
  value       = module.pipeline.repository_url
}

output "key_arn" {
  description = "VENDING_KMS_KEY."
  value       = module.foundation.key_arn
}

output "roles" {
  description = "The roles' ARNs."
  value       = module.iam.roles
}

output "snowflake_role_arn" {
  description = "STORAGE_AWS_ROLE_ARN of Snowflake's storage integration."
  value       = module.warehouse_snowflake_stage.role_arn
}

output "secrets" {
  description = "Secrets whose values people put in."
  value       = concat(values(module.settings.settings.secrets), [module.pipeline.login_secret])
}

output "database_apis" {
  description = "By API, what its host's name points to, and the `host` of its secret."
  value       = { for name, api in module.database_api : name => { host = api.host, proxy = api.proxy_endpoint } }
}

output "balancer_dns" {
  description = "What the UIs' names point to."
  value       = module.pipeline.balancer_dns
}
