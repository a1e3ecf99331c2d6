output "host" {
  description = "The host's name; its DNS entry points to `target_domain_name`."
  value       = { name = var.host, is = aws_apigatewayv2_domain_name.this.domain_name_configuration }
}

output "proxy_endpoint" {
  description = "The `host` in the secret of the API's user."
  value       = aws_db_proxy.this.endpoint
}
