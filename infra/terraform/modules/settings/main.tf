# What a domain's environments.yml declares for one environment. Python and dbt read the same file, so a name stands once.

locals {
  # A value in braces is a variable of the deployment, such as {company}. One that is not given stays as it is.
  braced = { for name, value in var.variables : "{${name}}" => value }
  filled = join("", [for piece in regexall("\\{[a-z_]+\\}|[^{]+|\\{", file(var.file)) : lookup(local.braced, piece, piece)])

  document = yamldecode(local.filled)
  domain   = local.document.domain
  declared = local.document.environments[var.environment]

  suffix = var.environment == "production" ? "prod" : var.environment
  prefix = "${var.variables.company}-${local.domain}"

  # s3://bucket/prefix, for raw, processed, artifacts and work
  places   = { for name, place in local.declared.places : name => regex("^s3://([^/]+)/?(.*)$", place) }
  prefixes = { for name, place in local.places : name => trimsuffix(place[1], "/") }
  buckets  = distinct([for place in values(local.places) : place[0]])

  warehouse   = local.declared.warehouse
  has_key     = local.declared.encryption.by == "kms"
  databases   = { for name, database in local.declared.databases : "database-${name}" => database.secret if database.secret != null }
  clients     = { for name, one in local.declared.connections : "client-${name}" => one.client_secret if one.client_secret != null }
  tokens      = { for name, one in local.declared.connections : "tokens-${name}" => one.tokens.at }
  api_secrets = merge([for name, one in local.declared.database_apis : { for kind, secret in { "" = one.secret, "-owner" = one.owner_secret, "-keys" = one.keys } : "api-${name}${kind}" => secret if secret != null }]...)
  connections = merge(local.clients, local.tokens)
  secrets     = merge({ for name, secret in local.declared.aws.secrets : name => secret if secret != null }, local.databases, local.connections, local.api_secrets)
  secret_arn  = "arn:aws:secretsmanager:${var.variables.aws_region}:${var.variables.aws_account}:secret"
  # Tables of DynamoDB, exported or scanned. An endpoint of one is an emulator's, and no account has it.
  table_arn  = "arn:aws:dynamodb:${var.variables.aws_region}:${var.variables.aws_account}:table"
  tables     = { for name, one in local.declared.dynamodb : name => "${local.table_arn}/${one.table}" if one.endpoint == null }
  exported   = { for name, arn in local.tables : name => arn if local.declared.dynamodb[name].exports != null }
  scanned    = { for name, arn in local.tables : name => arn if !contains(keys(local.exported), name) }
  exports_at = [for name in keys(local.exported) : "arn:aws:s3:::${trimsuffix(trimprefix(local.declared.dynamodb[name].exports, "s3://"), "/")}/*"]
  extracts   = length(local.databases) + length(local.tables) + length(local.declared.apis) > 0

  has_lake    = try(local.declared.lake.catalog, null) == "glue"
  athena      = local.has_lake ? local.declared.lake.athena : null
  with_queue  = local.declared.arrivals.by == "notifications"
  role_names  = concat(["platform", "dagster", "dagster-view", "execution", "deliverer", "reader", "operator"], local.athena == null ? [] : ["analyst"], local.declared.aws.secrets.api_keys == null ? [] : ["service"], lookup(local.roles_of, local.warehouse.type, []))
  roles_of    = { snowflake = ["snowflake"], redshift = ["copy", "bi", "dbt"] }
  role_prefix = "arn:aws:iam::${var.variables.aws_account}:role/"
  roles       = { for role in local.role_names : role => "${local.prefix}-${role}-${local.suffix}" }
  all_roles   = distinct(concat(local.role_names, ["analyst", "service"], flatten(values(local.roles_of))))
}
