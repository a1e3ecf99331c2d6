# Alarms on the figures that the platform sends and on what it stands on, and one page that shows them.

terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
}

variable "settings" {
  description = "The environment, from modules/settings."
  type        = any
}

variable "topic_arn" {
  description = "Where alarms go."
  type        = string
}

variable "database_id" {
  description = "Dagster's database."
  type        = string
}

variable "services" {
  description = "The ECS services that run."
  type        = list(string)
}

variable "daily_sources" {
  description = "Sources of which a day without a file is an alarm."
  type        = list(string)
  default     = []
}

variable "longest_lag_seconds" {
  description = "How long a file may wait for its rows."
  type        = number
  default     = 7200
}

locals {
  mine = { Environment = var.settings.environment }
  ours = {
    # The sensor does not run, so there would be no alerts: the one alarm that it can't send itself.
    not-watched    = { metric = "Watched", statistic = "SampleCount", period = 600, below = 1, missing = "breaching", by = {} }
    unsent-alerts  = { metric = "UntoldMessages", statistic = "Minimum", period = 3600, above = 0, missing = "notBreaching", by = {} }
    failed-builds  = { metric = "FailedNodes", statistic = "Sum", period = 3600, above = 0, missing = "notBreaching", by = { Step = "transform" } }
    held-exports   = { metric = "HeldBack", statistic = "Sum", period = 3600, above = 0, missing = "notBreaching", by = { Step = "export" } }
    slow-transform = { metric = "Duration", statistic = "Maximum", period = 3600, above = 3600, missing = "notBreaching", by = { Step = "transform" } }
  }
  by_source = merge([for source in var.daily_sources : {
    "no-${source}"   = { metric = "Files", statistic = "Sum", period = 86400, below = 1, missing = "breaching", by = { Source = source } }
    "late-${source}" = { metric = "Lag", statistic = "Maximum", period = 3600, above = var.longest_lag_seconds, missing = "notBreaching", by = { Source = source } }
  }]...)
  of_queue = var.settings.queue == null ? {} : {
    dead-letters = { namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", period = 300, above = 0, missing = "notBreaching", by = { QueueName = var.settings.dead_letters } }
    old-arrivals = { namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum", period = 900, above = 21600, missing = "notBreaching", by = { QueueName = var.settings.queue } }
  }
  of_database = {
    database-cpu   = { namespace = "AWS/RDS", metric = "CPUUtilization", statistic = "Average", period = 900, above = 80, missing = "breaching", by = { DBInstanceIdentifier = var.database_id } }
    database-space = { namespace = "AWS/RDS", metric = "FreeStorageSpace", statistic = "Minimum", period = 900, below = 2000000000, missing = "breaching", by = { DBInstanceIdentifier = var.database_id } }
  }
  of_services = { for name in var.services : "stopped-${name}" => {
    namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", statistic = "Minimum", period = 300, below = 1, missing = "breaching", by = { ClusterName = var.settings.cluster, ServiceName = name }
  } }
  alarms = merge(local.ours, local.by_source, local.of_queue, local.of_database, local.of_services)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.settings.cluster}-${each.key}"
  alarm_description   = "docs/operating.md says what to do."
  namespace           = try(each.value.namespace, "Vending")
  metric_name         = each.value.metric
  dimensions          = merge(contains(keys(each.value), "namespace") ? {} : local.mine, each.value.by)
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = contains(keys(each.value), "below") ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = contains(keys(each.value), "below") ? each.value.below : each.value.above
  treat_missing_data  = each.value.missing
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.settings.cluster
  dashboard_body = jsonencode({ widgets = [for index, name in sort(keys(local.alarms)) : {
    type   = "metric"
    x      = (index % 3) * 8
    y      = floor(index / 3) * 6
    width  = 8
    height = 6
    properties = {
      title  = name
      region = var.settings.region
      stat   = local.alarms[name].statistic
      period = local.alarms[name].period
      metrics = [concat(
        [try(local.alarms[name].namespace, "Vending"), local.alarms[name].metric],
        flatten([for key, value in merge(contains(keys(local.alarms[name]), "namespace") ? {} : local.mine, local.alarms[name].by) : [key, value]]),
      )]
    }
  }] })
}

output "alarms" {
  description = "The alarms' names."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name]
}
