variable "settings" {
  description = "The environment, from modules/settings."
  type        = any
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in three zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 3
    error_message = "Redshift Serverless needs subnets in three zones."
  }
}

variable "client_security_group_id" {
  description = "The security group of the tasks that run dbt."
  type        = string
}

variable "copy_role_arn" {
  description = "The role with which COPY and UNLOAD reach the bucket."
  type        = string
}

variable "key_arn" {
  description = "The customer key."
  type        = string
  nullable    = true
}

variable "capacity" {
  description = "In RPU: to start with, at most, and RPU hours a month before it is switched off."
  type        = object({ base = number, most = number, hours_a_month = number })
  default     = { base = 8, most = 32, hours_a_month = 400 }

  validation {
    condition     = var.capacity.base >= 8 && var.capacity.base % 8 == 0 && var.capacity.most >= var.capacity.base && var.capacity.most % 8 == 0
    error_message = "Capacities are multiples of 8, and the most is not below the base."
  }
}

variable "longest_query_seconds" {
  description = "A query that runs longer is ended."
  type        = number
  default     = 7200

  validation {
    condition     = var.longest_query_seconds > 0 && var.longest_query_seconds <= 86399
    error_message = "Redshift ends every query after a day."
  }
}
