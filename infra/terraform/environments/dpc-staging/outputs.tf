output "domain" {
  description = "What the application's variables and the handbook need."
  value       = module.domain
}
