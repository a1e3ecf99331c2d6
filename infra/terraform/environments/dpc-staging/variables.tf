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
  description = "The first part of the names of roles, cluster and registry."
  type        = string
}

variable "delivery_addresses" {
  description = "From which addresses the operator uploads packages."
  type        = list(string)

  validation {
    condition     = length(var.delivery_addresses) > 0
    error_message = "Packages have data of patients: name the addresses that they are uploaded from."
  }
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
  description = "By role (deliverer, reader, operator, bi), the principals who may take it."
  type        = map(list(string))
  default     = {}
}

variable "slack_alerts" {
  description = "Whether Slack gets the alerts too."
  type        = bool
  default     = false
}
