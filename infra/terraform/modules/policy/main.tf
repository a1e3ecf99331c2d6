# One of the policies in deployment/iam/, filled for one environment. The tests hold these files to what the code requests
# from AWS, so Terraform writes no policy of its own for the platform.

terraform {
  required_version = ">= 1.10"
}

variable "file" {
  description = "The policy, with blanks such as $${bucket}."
  type        = string
}

variable "values" {
  description = "What fills the blanks; `absent` for what the environment does not have."
  type        = map(string)
}

locals {
  document = jsondecode(templatefile(var.file, var.values))

  # What is about something absent is left out: first resources and principals, then statements of which nothing is left.
  present = [for statement in local.document.Statement : merge(
    { for name, value in statement : name => value if name != "Principal" },
    { Resource = [for resource in flatten([statement.Resource]) : resource if !strcontains(resource, "absent")] },
    # A principal is "*", services, or roles.
    { for all in [try(tostring(statement.Principal), null)] : "Principal" => all if all != null },
    { for service in [try(statement.Principal.Service, null)] : "Principal" => { Service = service } if service != null },
    { for roles in [try(flatten([statement.Principal.AWS]), null)] : "Principal" => { AWS = [for role in roles : role if !strcontains(role, "absent")] } if roles != null },
  )]
  statements = [for statement in local.present : statement if
    length(statement.Resource) > 0
    && try(length(statement.Principal.AWS), 1) > 0
    && !strcontains(jsonencode(statement), "absent")
  ]
}

output "json" {
  description = "The policy, as AWS takes it."
  value       = jsonencode({ Version = local.document.Version, Statement = local.statements })

  precondition {
    condition     = length(local.statements) > 0
    error_message = "Nothing is left of ${basename(var.file)}: it is about things that this environment does not have."
  }
}
