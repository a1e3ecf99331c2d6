variable "settings" {
  description = "The environment, from modules/settings."
  type        = any
}

variable "policy_values" {
  description = "What fills the policies' blanks, from modules/foundation."
  type        = map(string)
}

variable "policies" {
  description = "The folder of the policies."
  type        = string
}

variable "bucket" {
  description = "The data bucket, whose new objects are announced."
  type        = string
}

variable "key_arn" {
  description = "The customer key; null in an environment without one."
  type        = string
  nullable    = true
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "network_range" {
  description = "The network's addresses, from which people reach the UIs."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}

variable "image" {
  description = "The platform's image, by its digest; null until it is pushed, and then nothing is started."
  type        = string
  default     = null

  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image is named by its digest (…@sha256:…), so that what runs is what was tested."
  }
}

variable "login" {
  description = "The log-in in front of the UIs: an image of oauth2-proxy by its digest, the issuer's address, the client, the certificate, and the names people open the UIs under."
  type = object({
    image           = string
    issuer          = string
    client_id       = string
    certificate_arn = string
    view_host       = string
    operate_host    = string
  })

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.login.image)) && startswith(var.login.issuer, "https://")
    error_message = "The proxy's image is named by its digest, and the issuer's address begins with https://."
  }
}

variable "service" {
  description = "The pipeline's API and the dashboard: the name that they are reached under, which the certificate of the log-in has too, and the identity provider whose tokens count beside API keys; null where they are not served."
  type        = object({ host = string, issuer = optional(string), audience = optional(string) })
  default     = null

  validation {
    condition     = try(var.service.issuer == null, true) == try(var.service.audience == null, true)
    error_message = "Tokens count with an issuer and an audience, or not at all."
  }
}

variable "variables" {
  description = "The platform's settings, as docs/deployment.md lists them; no secret is among them."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.variables) : can(regex("^(VENDING|DAGSTER)_[A-Z0-9_]+$|^AWS_DEFAULT_REGION$", name))])
    error_message = "Only VENDING_…, DAGSTER_… and AWS_DEFAULT_REGION are settings."
  }
}

variable "run" {
  description = "CPU units and MiB of a run."
  type        = object({ cpu = number, memory = number })
  default     = { cpu = 1024, memory = 4096 }
}

variable "database" {
  description = "Dagster's database: class, GiB, whether in two zones, days of backups."
  type        = object({ class = string, gib = number, two_zones = bool, backup_days = number })

  validation {
    condition     = var.database.gib >= 20 && var.database.backup_days >= 7
    error_message = "The database needs 20 GiB and 7 days of backups at least."
  }
}

variable "keep_logs_days" {
  description = "How long the log is kept."
  type        = number
  default     = 400

  validation {
    condition     = contains([90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.keep_logs_days)
    error_message = "CloudWatch keeps logs for 90, 120, 150, 180, 365, 400, 545, 731, 1827 or 3653 days."
  }
}
