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

variable "trusted" {
  description = "By role (deliverer, reader, analyst, operator, bi), the principals who may take it: roles of single sign-on, of a gateway, of a tool."
  type        = map(list(string))

  validation {
    condition     = alltrue([for role in keys(var.trusted) : contains(["deliverer", "reader", "analyst", "operator", "bi"], role)])
    error_message = "Only deliverer, reader, analyst, operator and bi are taken by principals of your own."
  }
  validation {
    condition     = alltrue([for arn in flatten(values(var.trusted)) : can(regex("^arn:aws:iam::[0-9]{12}:(role|user)/[^*]+$", arn))])
    error_message = "A principal is the ARN of one role or user, without a wildcard."
  }
}

variable "apis" {
  description = "APIs over databases that are made, by name, with the names of their secrets: of the database's user, and of the API keys."
  type        = map(object({ database = string, keys = string }))
  default     = {}
}

variable "database_arn" {
  description = "Dagster's database, whose password ECS may read."
  type        = string
}
