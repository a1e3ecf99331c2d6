# The way in: an HTTP API under a name of its own, which passes every request to the function.

resource "aws_apigatewayv2_api" "this" {
  name                         = local.name
  description                  = "The ${var.name}'s API of ${var.settings.domain} in ${var.settings.environment}"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = true # the function answers under its own name alone
}

resource "aws_apigatewayv2_integration" "function" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "all" {
  #checkov:skip=CKV_AWS_309:the application itself checks keys and tokens, and customers see products with neither
  api_id    = aws_apigatewayv2_api.this.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.function.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  # For all callers together; the application limits each one by itself.
  default_route_settings {
    throttling_rate_limit    = var.requests.per_second
    throttling_burst_limit   = var.requests.burst
    detailed_metrics_enabled = true
  }
  # Neither addresses nor queries: the application's log has a line for each request that reached it.
  access_log_settings {
    destination_arn = "arn:aws:logs:${var.settings.region}:${var.settings.account}:log-group:${var.settings.log_group}"
    format = jsonencode({
      at           = "$context.requestTime", request = "$context.requestId", method = "$context.httpMethod", status = "$context.status"
      milliseconds = "$context.responseLatency", error = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_apigatewayv2_domain_name" "this" {
  domain_name = var.host

  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  domain_name = aws_apigatewayv2_domain_name.this.id
  stage       = aws_apigatewayv2_stage.default.id
}

resource "aws_lambda_permission" "http" {
  statement_id  = "TheHttpApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*"
}
