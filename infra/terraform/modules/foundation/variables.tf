variable "settings" {
  description = "The environment, from modules/settings."
  type        = any
}

variable "policy_values" {
  description = "What fills the policies' blanks, from modules/settings."
  type        = map(string)
}

variable "role_arns" {
  description = "The roles that are there, by name; the policies of key and bucket name them."
  type        = map(string)
}

variable "api_role_arns" {
  description = "The roles of APIs over databases, which decrypt their secrets."
  type        = list(string)
  default     = []
}

variable "policies" {
  description = "The folder of the policies."
  type        = string
}

variable "key_alias" {
  description = "The customer key's alias, without `alias/`; null if the environment has no key of its own."
  type        = string
  default     = null

  validation {
    condition     = var.key_alias == null || can(regex("^[a-zA-Z0-9/_-]+$", var.key_alias))
    error_message = "An alias has letters, digits, /, _ and -."
  }
}

variable "delivery_addresses" {
  description = "From which addresses files may be delivered; empty for any."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.delivery_addresses : can(cidrhost(address, 0))])
    error_message = "Addresses are given as ranges, such as 203.0.113.0/24."
  }
}

variable "raw_archive" {
  description = "After how many days delivered files move to archive storage, and to deep archive; null to keep them at hand, because replay reads them."
  type        = object({ after_days = number, deep_after_days = number })
  default     = null

  validation {
    condition     = try(var.raw_archive.deep_after_days >= var.raw_archive.after_days + 90, true)
    error_message = "Archive storage is paid for 90 days at least, so deep archive has to come 90 days later."
  }
}

variable "keep_logs_days" {
  description = "How long the access logs and the trail are kept."
  type        = number
  default     = 400

  validation {
    condition     = var.keep_logs_days >= 90
    error_message = "Auditors need the access logs for 90 days at least."
  }
}
