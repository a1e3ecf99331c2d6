variable "account" {
  description = "The AWS account of this environment."
  type        = string
}

variable "region" {
  description = "The region of this environment."
  type        = string
  default     = "ap-northeast-1"
}

variable "company" {
  description = "VENDING_COMPANY: the first part of the buckets' names."
  type        = string
}

variable "snowflake_account" {
  description = "VENDING_SNOWFLAKE_ACCOUNT, such as ab12345.ap-northeast-1.aws."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+$", var.snowflake_account))
    error_message = "The account's identifier, such as ab12345.ap-northeast-1.aws, not an address."
  }
}

variable "service" {
  description = "The pipeline's API and the dashboard (docs/api.md): their name; null where they are not served."
  type        = object({ host = string, issuer = optional(string), audience = optional(string) })
  default     = null
}

variable "variables" {
  description = "Further variables of environments.yml, such as payments_url and payments_client; no secret is among them."
  type        = map(string)
  default     = {}
}

variable "database_apis" {
  description = "APIs over databases that are there (docs/shop-api.md): of each the cluster, its network, and its name."
  type = map(object({
    database        = object({ cluster = string, security_group_id = string, vpc_id = string, subnet_ids = list(string) })
    host            = string
    certificate_arn = string
    due             = optional(string)
  }))
  default = {}
}

variable "snowflake_integration" {
  description = "What `desc integration` shows; null before it is made."
  type        = object({ user_arn = string, external_id = string })
  default     = null
}

variable "image" {
  description = "The platform's image by its digest; null before the first one is pushed."
  type        = string
  default     = null
}

variable "login" {
  description = "The log-in in front of the UIs."
  type = object({
    image           = string
    issuer          = string
    client_id       = string
    certificate_arn = string
    view_host       = string
    operate_host    = string
  })
}

variable "trusted" {
  description = "By role (deliverer, reader, operator), the principals who may take it."
  type        = map(list(string))
  default     = {}
}

variable "slack_alerts" {
  description = "Whether Slack gets the alerts too."
  type        = bool
  default     = false
}
