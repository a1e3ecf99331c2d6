# What is due in the API's database, such as orders of subscriptions, is done by the same function, on a schedule.

resource "aws_cloudwatch_event_rule" "due" {
  count               = var.due == null ? 0 : 1
  name                = "${local.name}-due"
  description         = "Does what is due in the ${var.name}'s database"
  schedule_expression = var.due
}

resource "aws_cloudwatch_event_target" "due" {
  count = var.due == null ? 0 : 1
  rule  = aws_cloudwatch_event_rule.due[0].name
  arn   = aws_lambda_function.this.arn
  input = jsonencode({ do = "due" })
}

resource "aws_lambda_permission" "due" {
  count         = var.due == null ? 0 : 1
  statement_id  = "TheSchedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.due[0].arn
}
