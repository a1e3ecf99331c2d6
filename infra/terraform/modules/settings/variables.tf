variable "file" {
  description = "The domain's environments.yml."
  type        = string
}

variable "environment" {
  description = "Which environment of the file: staging or production."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "Terraform makes staging and production; development needs no account."
  }
}

variable "variables" {
  description = "The deployment's variables, which stand in braces in the file. company, aws_account and aws_region are needed."
  type        = map(string)

  validation {
    condition     = length(setsubtract(["company", "aws_account", "aws_region"], keys(var.variables))) == 0
    error_message = "The variables company, aws_account and aws_region are needed."
  }
}
