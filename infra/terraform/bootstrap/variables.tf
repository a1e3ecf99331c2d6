variable "account" {
  description = "The AWS account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "An account has 12 digits."
  }
}

variable "region" {
  description = "The region."
  type        = string
  default     = "ap-northeast-1"
}

variable "prefix" {
  description = "The first part of all names: company and domain, such as hinode-vending."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,50}$", var.prefix))
    error_message = "The prefix has lower-case letters, digits and hyphens."
  }
}

variable "suffix" {
  description = "The last part of all names: staging or prod."
  type        = string

  validation {
    condition     = contains(["staging", "prod"], var.suffix)
    error_message = "The suffix is staging or prod."
  }
}

variable "repository" {
  description = "The repository whose jobs may run Terraform, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "The repository is owner/name, without a wildcard."
  }
}
