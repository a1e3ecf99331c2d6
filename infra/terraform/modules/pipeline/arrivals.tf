# How new files are noticed, and where alerts go.

module "queue_policy" {
  source = "../policy"
  count  = var.settings.queue == null ? 0 : 1
  file   = "${var.policies}/queue.json"
  values = var.policy_values
}

resource "aws_sqs_queue" "dead_letters" {
  count                     = var.settings.queue == null ? 0 : 1
  name                      = var.settings.dead_letters
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "arrivals" {
  count                      = var.settings.queue == null ? 0 : 1
  name                       = var.settings.queue
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 120
  # A message that waits is received at every look.
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[0].arn, maxReceiveCount = 1000 })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  count                = var.settings.queue == null ? 0 : 1
  queue_url            = aws_sqs_queue.dead_letters[0].id
  redrive_allow_policy = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.arrivals[0].arn] })
}

resource "aws_sqs_queue_policy" "arrivals" {
  count     = var.settings.queue == null ? 0 : 1
  queue_url = aws_sqs_queue.arrivals[0].id
  policy    = module.queue_policy[0].json
}

resource "aws_s3_bucket_notification" "arrivals" {
  count  = var.settings.queue == null ? 0 : 1
  bucket = var.bucket

  queue {
    queue_arn     = aws_sqs_queue.arrivals[0].arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "${var.settings.prefixes.raw}/"
  }

  depends_on = [aws_sqs_queue_policy.arrivals]
}

module "topic_policy" {
  source = "../policy"
  file   = "${var.policies}/topic.json"
  values = var.policy_values
}

resource "aws_sns_topic" "alerts" {
  #checkov:skip=CKV_AWS_26:in staging there is no customer key, and with AWS's own no alarm could send
  name              = var.settings.alerts_topic
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = module.topic_policy.json
}
