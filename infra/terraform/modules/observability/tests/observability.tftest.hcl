mock_provider "aws" {}

variables {
  settings      = { environment = "production", region = "ap-northeast-1", cluster = "hinode-vending-prod", queue = "q", dead_letters = "d" }
  topic_arn     = "arn:aws:sns:ap-northeast-1:123456789012:alerts"
  database_id   = "dagster"
  services      = ["code", "daemon"]
  daily_sources = ["sales"]
}

run "alarms" {
  command = plan
  assert {
    condition     = alltrue([for name in ["not-watched", "unsent-alerts", "no-sales", "late-sales", "dead-letters", "stopped-daemon", "database-space"] : contains(keys(aws_cloudwatch_metric_alarm.this), name)])
    error_message = "What the handbook lists has an alarm."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["not-watched"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["not-watched"].dimensions == tomap({ Environment = "production" })
    error_message = "Silence of the sensor is an alarm."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([var.topic_arn])])
    error_message = "Every alarm is sent."
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == length(aws_cloudwatch_metric_alarm.this)
    error_message = "The page shows every alarm's figure."
  }
}

run "a_domain_without_a_queue" {
  command = plan
  variables {
    settings = { environment = "production", region = "ap-northeast-1", cluster = "hinode-dpc-prod", queue = null, dead_letters = null }
  }
  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "dead-letters")
    error_message = "There is no alarm on a queue that there is not."
  }
}
