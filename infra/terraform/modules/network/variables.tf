variable "settings" {
  description = "The environment, from modules/settings."
  type        = any
}

variable "range" {
  description = "The network's addresses."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.range, 8, 255)) && endswith(var.range, "/16")
    error_message = "The network needs a /16, such as 10.40.0.0/16."
  }
}
