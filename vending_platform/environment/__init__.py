"""Which domain and environment this is, and every value that differs between environments.

A domain is a dbt project with an `environments.yml`; `load()` reads it and the variables, and gives one `Environment`,
or raises `SettingsError` with one message that names every mistake, before anything has run.
"""

from vending_platform.environment.apis import ApiAuth, ApiSettings
from vending_platform.environment.connections import ConnectionSettings, is_encrypted
from vending_platform.environment.domain import DBT_PROJECT_DIR, PROJECT_DIR, Domain, domains, find_domain
from vending_platform.environment.dynamodb import ItemTableSettings
from vending_platform.environment.errors import SettingsError, UnknownDomain
from vending_platform.environment.loading import choose_domain, load
from vending_platform.environment.model import (
    BUSINESS_TIME_ZONE,
    AwsTarget,
    ByFolder,
    ByListing,
    ByNotifications,
    CodeChanges,
    DatabaseAddress,
    DatabaseApiSettings,
    DatabaseSettings,
    Encryption,
    Environment,
    EnvironmentName,
    LakeCatalog,
    LakeSettings,
    LineageTarget,
    LineageTransport,
    Places,
    S3Addressing,
    SecretNames,
    ServiceSettings,
    Verification,
)
from vending_platform.environment.variables import known_variables, variable
from vending_platform.environment.warehouses import WarehouseSettings, warehouse_kind, warehouse_types

DATA_DIR_VARIABLE = variable("data_dir")
COMPANY_VARIABLE = variable("company")
KMS_KEY_VARIABLE = variable("kms_key")
AWS_ACCOUNT_VARIABLE = variable("aws_account")
AWS_REGION_VARIABLE = variable("aws_region")
AWS_ENDPOINT_VARIABLE = variable("aws_endpoint")
S3_ENDPOINT_VARIABLE = variable("s3_endpoint")
UI_URL_VARIABLE = variable("ui_url")
SERVICE_HOST_VARIABLE = variable("service_host")

__all__ = [
    "AWS_ACCOUNT_VARIABLE",
    "AWS_ENDPOINT_VARIABLE",
    "AWS_REGION_VARIABLE",
    "BUSINESS_TIME_ZONE",
    "COMPANY_VARIABLE",
    "DATA_DIR_VARIABLE",
    "DBT_PROJECT_DIR",
    "KMS_KEY_VARIABLE",
    "PROJECT_DIR",
    "S3_ENDPOINT_VARIABLE",
    "SERVICE_HOST_VARIABLE",
    "UI_URL_VARIABLE",
    "ApiAuth",
    "ApiSettings",
    "AwsTarget",
    "ByFolder",
    "ByListing",
    "ByNotifications",
    "CodeChanges",
    "ConnectionSettings",
    "DatabaseAddress",
    "DatabaseApiSettings",
    "DatabaseSettings",
    "Domain",
    "Encryption",
    "Environment",
    "EnvironmentName",
    "ItemTableSettings",
    "LakeCatalog",
    "LakeSettings",
    "LineageTarget",
    "LineageTransport",
    "Places",
    "S3Addressing",
    "SecretNames",
    "ServiceSettings",
    "SettingsError",
    "UnknownDomain",
    "Verification",
    "WarehouseSettings",
    "choose_domain",
    "domains",
    "find_domain",
    "is_encrypted",
    "known_variables",
    "load",
    "variable",
    "warehouse_kind",
    "warehouse_types",
]
