"""From `environments.yml` and the variables to one `Environment`, or one message about all that is wrong."""

import os
from pathlib import Path
from typing import Any, assert_never

from vending_platform.environment.declared import (
    PLACEHOLDER,
    DeclaredArrivals,
    DeclaredAws,
    DeclaredDatabase,
    DeclaredDatabaseApi,
    DeclaredEnvironment,
    DeclaredLake,
    DeclaredLineage,
    EnvironmentsFile,
    placeholders,
)
from vending_platform.environment.domain import find_domain
from vending_platform.environment.errors import SettingsError
from vending_platform.environment.model import (
    AwsTarget,
    ByFolder,
    ByListing,
    ByNotifications,
    DatabaseAddress,
    DatabaseApiSettings,
    DatabaseSettings,
    Encryption,
    Environment,
    EnvironmentName,
    LakeCatalog,
    LakeSettings,
    LineageTarget,
    Places,
    S3Addressing,
    SecretNames,
    ServiceSettings,
)
from vending_platform.environment.variables import (
    AWS_ONLY,
    Variables,
    mistakes,
    read_variables,
    refuse_unknown,
    variable,
)

_ENCRYPTION = {"disk": Encryption.DISK, "s3": Encryption.SSE_S3, "kms": Encryption.SSE_KMS}


def load(domain: str | None = None) -> Environment:
    """The environment that the variables (or the settings file `.env`) choose, of this domain or the chosen one."""
    variables = read_variables()
    found = find_domain(domain or variables.domain)
    refuse_unknown(variables, found.declared)
    name = variables.environment
    declared = found.declared.environments[name]
    _check(name, declared, variables, found.declared)
    values = {key: rule.default for key, rule in found.declared.variables.items()} | dict(variables.values)
    filled = DeclaredEnvironment.model_validate(_filled(declared.model_dump(), values))
    return _environment(found.name, found.project_dir, name, filled, variables)


def choose_domain(name: str) -> None:
    """For this process and what it starts. SettingsError if there is no such domain."""
    find_domain(name)
    os.environ[variable("domain")] = name


def _check(name: EnvironmentName, declared: DeclaredEnvironment, variables: Variables, file: EnvironmentsFile) -> None:
    used = {used for _, used in placeholders(declared)}
    missing = [
        variable(key)
        for key, rule in file.variables.items()
        if key in used and rule.default is None and variables.get(key) is None
    ]
    useless = [key for key in file.variables if key not in used and variables.get(key) is not None]
    if declared.aws is None:
        useless += [key for key in AWS_ONLY if variables.get(key) is not None]
    problems = []
    if missing:
        problems.append(f"{name} needs {', '.join(missing)}")
    if useless:
        problems.append(
            f"{name} has no use for {', '.join(map(variable, useless))}: unset it, or choose another {variable('env')}"
        )
    problems += mistakes(variables, file)
    if problems:
        raise SettingsError("Settings can't be used: " + "; ".join(problems) + ".")


def _filled(value: Any, values: dict[str, str | None]) -> Any:
    match value:
        case dict():
            return {key: _filled(below, values) for key, below in value.items()}
        case str():
            return PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)
    return value


def _environment(
    domain: str, project_dir: Path, name: EnvironmentName, declared: DeclaredEnvironment, variables: Variables
) -> Environment:
    places = declared.places
    return Environment(
        domain=domain,
        project_dir=project_dir,
        name=name,
        places=Places(places.raw, places.processed, places.artifacts, places.work),
        encryption=_ENCRYPTION[declared.encryption.by],
        kms_key=declared.encryption.key,
        aws=_aws(declared.aws, variables) if declared.aws else None,
        warehouse=declared.warehouse,
        warehouse_endpoint=variables.get("warehouse_endpoint"),
        lake=_lake(declared.lake) if declared.lake else None,
        arrivals=_arrivals(declared.arrivals),
        dbt_threads=declared.dbt_threads,
        databases={name: _database(one) for name, one in declared.databases.items()},
        dynamodb=declared.dynamodb,
        connections=declared.connections,
        apis=declared.apis,
        extraction_starts=declared.starts.extraction,
        item_extraction_starts=declared.starts.item_extraction,
        ingestion_starts=declared.starts.ingestion,
        transformation_starts=declared.starts.transformation,
        forecast_starts=declared.starts.forecast,
        marts_due=declared.marts_due,
        verification=declared.verification,
        code_changes=declared.code_changes,
        revision=variables.get("revision"),
        automatic_retries=declared.retries,
        cloud_logs=declared.logs == "cloudwatch",
        scratch=Path(declared.scratch),
        dagster_home=Path(declared.dagster_home),
        ui_url=variables.get("ui_url") or declared.ui_url,
        slack_alerts=variables.get("slack_alerts") == "true",
        service=ServiceSettings(
            dagster_url=variables.get("dagster_url"),
            host=variables.get("service_host"),
            token_issuer=variables.get("token_issuer"),
            token_audience=variables.get("token_audience"),
        ),
        database_apis={name: _database_api(one) for name, one in declared.database_apis.items()},
        lineage=_lineage(declared.lineage) if declared.lineage else None,
    )


def _lineage(declared: DeclaredLineage) -> LineageTarget:
    return LineageTarget(Path(declared.outbox), declared.transport, declared.to, declared.topic)


def _aws(declared: DeclaredAws, variables: Variables) -> AwsTarget:
    secrets = declared.secrets
    return AwsTarget(
        account=declared.account,
        region=declared.region,
        s3_endpoint=variables.get("s3_endpoint"),
        s3_addressing=S3Addressing(variables.get("s3_addressing") or S3Addressing.VIRTUAL),
        endpoint=variables.get("aws_endpoint"),
        secrets=SecretNames(**(dict(secrets) | {"warehouse": secrets.warehouse or ""})),
        alerts_topic=f"arn:aws:sns:{declared.region}:{declared.account}:{declared.alerts_topic}",
    )


def _database(declared: DeclaredDatabase) -> DatabaseSettings:
    return DatabaseSettings(
        url=declared.url,
        secret=declared.secret,
        is_verified=declared.tls == "verified",
        authority=declared.authority,
        statement_minutes=declared.statement_limit,
    )


def _database_api(declared: DeclaredDatabaseApi) -> DatabaseApiSettings:
    is_verified = declared.tls == "verified"
    return DatabaseApiSettings(
        database=DatabaseAddress(declared.url, declared.secret, is_verified, declared.authority),
        owner=DatabaseAddress(declared.url, declared.owner_secret, is_verified, declared.authority),
        keys_secret=declared.keys,
        pool=declared.pool,
        statement_seconds=declared.statement_seconds,
        per_second=declared.per_second,
        burst=declared.burst,
    )


def _lake(declared: DeclaredLake) -> LakeSettings:
    return LakeSettings(
        catalog=LakeCatalog(declared.catalog),
        warehouse=declared.warehouse,
        databases=declared.databases or "",
        keep_days=declared.keep_days,
        orphan_days=declared.orphan_days,
        athena=declared.athena,
        maintained=declared.maintained,
    )


def _arrivals(declared: DeclaredArrivals) -> ByFolder | ByListing | ByNotifications:
    match declared.by:
        case "folder":
            return ByFolder()
        case "listing":
            return ByListing()
        case "notifications":
            return ByNotifications(queue=str(declared.queue), dead_letters=str(declared.dead_letters))
        case _:
            assert_never(declared.by)
