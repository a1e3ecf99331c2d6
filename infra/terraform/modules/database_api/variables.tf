variable "name" {
  description = "The API's name under database_apis of environments.yml; its code is vending_platform/service/<name>/."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,20}$", var.name))
    error_message = "An API is named by up to 21 lower-case letters, digits and underscores."
  }
}

variable "settings" {
  description = "The environment, from modules/settings."
  type        = any
}

variable "role_arns" {
  description = "The roles of the function and of the proxy, from modules/iam."
  type        = object({ function = string, proxy = string })
}

variable "variables" {
  description = "The platform's settings, as docs/deployment.md lists them; no secret is among them."
  type        = map(string)
}

variable "image" {
  description = "The platform's image by its digest, in the repository of this account."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image is named by its digest (…@sha256:…), so that what runs is what was tested."
  }
}

variable "repository" {
  description = "The repository of the image, from which Lambda pulls it."
  type        = string
}

variable "secret_arn" {
  description = "The secret of the database's user, with which the proxy signs in."
  type        = string
}

variable "database" {
  description = "The Aurora cluster that is there: its identifier, its security group, its network, and subnets in two zones at least."
  type        = object({ cluster = string, security_group_id = string, vpc_id = string, subnet_ids = list(string) })

  validation {
    condition     = length(var.database.subnet_ids) >= 2
    error_message = "RDS Proxy needs subnets in two zones at least."
  }
}

variable "host" {
  description = "The name that callers reach the API under."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+\\.[a-z]{2,}$", var.host))
    error_message = "A host's name, such as shop-api.example.com, not an address."
  }
}

variable "certificate_arn" {
  description = "The certificate of the host's name, in the environment's region."
  type        = string
}

variable "requests" {
  description = "What the HTTP API lets through a second, of all callers together."
  type        = object({ per_second = number, burst = number })
  default     = { per_second = 500, burst = 1000 }
}

variable "instances" {
  description = "How many instances of the function there may be, each with one connection to the proxy."
  type        = number
  default     = 100

  validation {
    condition     = var.instances >= 2
    error_message = "Fewer than two instances can't replace one another."
  }
}

variable "due" {
  description = "How often what is due is done, such as `rate(1 hour)`; null where nothing ever is."
  type        = string
  default     = null

  validation {
    condition     = var.due == null || can(regex("^(rate|cron)\\(.+\\)$", var.due))
    error_message = "A schedule is written as rate(1 hour), or cron(…) in UTC."
  }
}

variable "connections_percent" {
  description = "How many of the database's connections the proxy may open, in percent."
  type        = number
  default     = 50

  validation {
    condition     = var.connections_percent >= 2 && var.connections_percent <= 90
    error_message = "Between 2 and 90 percent: the shop itself and extractions need connections too."
  }
}
