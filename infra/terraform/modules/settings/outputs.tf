output "settings" {
  description = "The environment, as all other modules take it."
  value = {
    domain       = local.domain
    environment  = var.environment
    suffix       = local.suffix
    prefix       = local.prefix
    company      = var.variables.company
    account      = var.variables.aws_account
    region       = var.variables.aws_region
    bucket       = local.buckets[0]
    prefixes     = local.prefixes
    has_key      = local.has_key
    alerts_topic = local.declared.aws.alerts_topic
    queue        = local.with_queue ? local.declared.arrivals.queue : null
    dead_letters = local.with_queue ? local.declared.arrivals.dead_letters : null
    secrets      = local.secrets
    warehouse    = { for name, value in local.warehouse : name => tostring(value) if value != null && can(tostring(value)) }
    has_lake     = local.has_lake
    has_items    = length(local.tables) > 0
    athena       = local.athena
    log_group    = "/${local.domain}/${local.suffix}"
    cluster      = "${local.prefix}-${local.suffix}"
    run_task     = "${local.prefix}-run-${local.suffix}"
    roles        = local.roles
    variables    = keys(local.document.variables) # those that the application accepts of this domain
  }

  precondition {
    condition     = length(local.buckets) == 1
    error_message = "All places of ${var.environment} have to be in one bucket, and they are in ${join(", ", local.buckets)}."
  }
  precondition {
    condition     = alltrue([for place in local.exports_at : startswith(place, "arn:aws:s3:::${local.buckets[0]}/${local.prefixes.raw}/internal/")])
    error_message = "Exports of DynamoDB are laid down below internal/ of the raw place, which ingestion and arrivals pass over; they are at ${join(", ", local.exports_at)}."
  }
}

output "policy_values" {
  description = "What the policies' blanks are filled with, but for the key; `absent` for what this environment does not have."
  value = merge(
    {
      account             = var.variables.aws_account
      region              = var.variables.aws_region
      bucket              = local.buckets[0]
      queue               = local.with_queue ? local.declared.arrivals.queue : "absent"
      dead_letters        = local.with_queue ? local.declared.arrivals.dead_letters : "absent"
      topic               = local.declared.aws.alerts_topic
      cluster             = "${local.prefix}-${local.suffix}"
      run_task            = "${local.prefix}-run-${local.suffix}"
      log_group           = "/${local.domain}/${local.suffix}"
      warehouse_secret    = lookup(local.secrets, "warehouse", "absent")
      slack_secret        = lookup(local.secrets, "slack", "absent")
      lake                = local.has_lake ? trimsuffix(regex("^s3://[^/]+/(.*)$", local.declared.lake.warehouse)[0], "/") : "absent"
      lake_databases      = local.has_lake ? local.declared.lake.databases : "absent"
      athena_workgroup    = local.athena == null ? "absent" : local.athena
      pseudonyms_secret   = lookup(local.secrets, "pseudonyms", "absent")
      service_keys_secret = lookup(local.secrets, "api_keys", "absent")
      lineage_secret      = lookup(local.secrets, "lineage", "absent")
      database_secrets    = length(local.databases) == 0 ? "absent" : join("\", \"", [for secret in values(local.databases) : "${local.secret_arn}:${secret}-??????"])
      connection_secrets  = length(local.connections) == 0 ? "absent" : join("\", \"", [for secret in values(local.connections) : "${local.secret_arn}:${secret}-??????"])
      token_secrets       = length(local.tokens) == 0 ? "absent" : join("\", \"", [for secret in values(local.tokens) : "${local.secret_arn}:${secret}-??????"])
      item_tables         = length(local.tables) == 0 ? "absent" : join("\", \"", values(local.tables))
      exported_tables     = length(local.exported) == 0 ? "absent" : join("\", \"", values(local.exported))
      table_exports       = length(local.exported) == 0 ? "absent" : join("\", \"", [for arn in values(local.exported) : "${arn}/export/*"])
      item_exports        = length(local.exported) == 0 ? "absent" : join("\", \"", local.exports_at)
      scanned_tables      = length(local.scanned) == 0 ? "absent" : join("\", \"", values(local.scanned))
      extracted           = local.extracts ? local.prefixes.raw : "absent"
      encryption          = local.has_key ? "aws:kms" : "AES256"
      workgroup           = lookup(local.warehouse, "workgroup", "absent")
      delivery_addresses  = "absent"
      key                 = "absent"
    },
    local.prefixes,
    # Only the deliverer writes deliveries; and the platform, where it extracts them from other systems by itself.
    { extraction_role = "${local.role_prefix}${local.roles[local.extracts ? "platform" : "deliverer"]}" },
    { for role in local.all_roles : "${replace(role, "-", "_")}_role" => contains(local.role_names, role) ? "${local.role_prefix}${local.roles[role]}" : "absent" },
  )
}
