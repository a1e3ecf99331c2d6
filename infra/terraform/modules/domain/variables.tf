variable "file" {
  description = "The domain's environments.yml."
  type        = string
}

variable "policies" {
  description = "The folder of the policies, deployment/iam."
  type        = string
}

variable "environment" {
  description = "Which environment: staging or production."
  type        = string
}

variable "account" {
  description = "The AWS account of this environment."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "An account has 12 digits."
  }
}

variable "region" {
  description = "The region of this environment."
  type        = string
  default     = "ap-northeast-1"
}

variable "company" {
  description = "The first part of names that must be unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,40}$", var.company))
    error_message = "The company has 2 to 41 lower-case letters, digits and hyphens."
  }
}

variable "variables" {
  description = "Further variables of environments.yml, such as snowflake_account."
  type        = map(string)
  default     = {}
}

variable "key_alias" {
  description = "The customer key's alias; null for one that is made of the names."
  type        = string
  default     = null
}

variable "delivery_addresses" {
  description = "From which addresses files may be delivered; empty for any."
  type        = list(string)
  default     = []
}

variable "raw_archive" {
  description = "When delivered files move to archive storage; null to keep them at hand."
  type        = object({ after_days = number, deep_after_days = number })
  default     = null
}

variable "network_range" {
  description = "The network's addresses."
  type        = string
  default     = "10.40.0.0/16"
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
  description = "By role (deliverer, reader, analyst, operator, bi), the principals who may take it."
  type        = map(list(string))
  default     = {}
}

variable "snowflake_integration" {
  description = "What `desc integration` shows; null before it is made."
  type        = object({ user_arn = string, external_id = string })
  default     = null
}

variable "database" {
  description = "Dagster's database."
  type        = object({ class = string, gib = number, two_zones = bool, backup_days = number })
}

variable "service" {
  description = "The pipeline's API and the dashboard; null where they are not served."
  type        = object({ host = string, issuer = optional(string), audience = optional(string) })
  default     = null
}

variable "database_apis" {
  description = "APIs over databases that are there, by their names in environments.yml; {} until an image is pushed."
  type = map(object({
    database        = object({ cluster = string, security_group_id = string, vpc_id = string, subnet_ids = list(string) })
    host            = string
    certificate_arn = string
    due             = optional(string)
  }))
  default = {}
}

variable "redshift_capacity" {
  description = "Redshift's capacity, where it is the warehouse."
  type        = object({ base = number, most = number, hours_a_month = number })
  default     = { base = 8, most = 32, hours_a_month = 400 }
}

variable "daily_sources" {
  description = "Sources of which a day without a file is an alarm."
  type        = list(string)
  default     = []
}

variable "slack_alerts" {
  description = "Whether Slack gets the alerts too."
  type        = bool
  default     = false
}
