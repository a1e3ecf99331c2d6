"""AWS's policies, as far as ours use them: which statements are about a request, and whether they hold."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from string import Template
from typing import Any

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.emulators.aws import ACCOUNT, COMPANY, REGION

FOLDER = PROJECT_DIR / "deployment" / "iam"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY}"


@dataclass(frozen=True)
class Statement:
    sid: str
    effect: str
    principals: Mapping[str, list[str]]
    actions: list[str]
    resources: list[str]
    conditions: Mapping[str, Mapping[str, list[str]]]

    def is_about(self, action: str, resource: str) -> bool:
        return any(fnmatchcase(action, pattern) for pattern in self.actions) and any(
            fnmatchcase(resource, pattern) for pattern in self.resources
        )

    def holds(self, context: Mapping[str, str]) -> bool:
        return all(
            _OPERATORS[operator](context.get(key), values)
            for operator, keys in self.conditions.items()
            for key, values in keys.items()
        )


_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "Null": lambda value, wanted: str(value is None).lower() in wanted,
    "Bool": lambda value, wanted: value in wanted,
    "ArnEquals": lambda value, wanted: value in wanted,
    "StringEquals": lambda value, wanted: value in wanted,
    "StringLike": lambda value, wanted: value is not None and any(fnmatchcase(value, one) for one in wanted),
    "StringNotEquals": lambda value, wanted: value not in wanted,  # and so it is where there is no value at all
}


OF_REDSHIFT = {"copy", "redshift", "redshift-login"}
"""Policies of a warehouse that vending does not have."""
ABSENT = "absent"
"""Fills a blank for which an environment has no value; what is about it is left out."""


def policies(suffix: str = "prod") -> dict[str, list[Statement]]:
    """By the name of the file: those of one environment."""
    names = {path.stem for path in FOLDER.glob("*.json")} - OF_REDSHIFT
    return {name: policy(name, blanks(suffix)) for name in sorted(names)}


def blanks(suffix: str) -> dict[str, str]:
    """What vending's policies are filled with, as Terraform does it (`infra/terraform/modules/settings`)."""
    environment = {"prod": "production", "staging": "staging"}[suffix]
    has_key = environment == "production"
    of_people = ("deliverer", "reader", "analyst", "operator")
    roles = ("platform", "service", "dagster", "dagster-view", "execution", "snowflake", *of_people)
    of_redshift = ("copy_role", "workgroup")
    arn = f"arn:aws:iam::{ACCOUNT}:role/{COMPANY}-vending-{{}}-{suffix}"
    return {
        **{f"{role.replace('-', '_')}_role": arn.format(role) for role in roles},
        **dict.fromkeys(of_redshift, ABSENT),
        "apply_role": arn.format("terraform-apply"),
        "account": ACCOUNT,
        "region": REGION,
        "bucket": f"{COMPANY}-vending-data-{suffix}",
        "raw": "raw-data",
        "processed": "processed-data",
        "artifacts": "dbt-artifacts",
        "work": "staging",
        "queue": f"{COMPANY}-vending-arrivals-{suffix}",
        "dead_letters": f"{COMPANY}-vending-arrivals-{suffix}-dlq",
        "topic": f"{COMPANY}-vending-alerts-{suffix}",
        "cluster": f"{COMPANY}-vending-{suffix}",
        "run_task": f"{COMPANY}-vending-run-{suffix}",
        "log_group": f"/vending/{suffix}",
        "warehouse_secret": f"vending/{environment}/snowflake",
        "service_keys_secret": f"vending/{environment}/api-keys",
        "slack_secret": f"vending/{environment}/slack",
        "lake": "lake",
        "lake_databases": f"{environment}_vending_",
        "athena_workgroup": f"{environment}-vending-lake",
        "lineage_secret": ABSENT,
        "pseudonyms_secret": "vending/production/pseudonyms" if has_key else ABSENT,  # staging's data has none left
        "connection_secrets": f'{_secret(environment, "payments-client")}", "{_secret(environment, "payments-tokens")}',
        "token_secrets": _secret(environment, "payments-tokens"),
        "api_roles": f'{arn.format("shop-api")}", "{arn.format("shop-proxy")}',
        "api_secret": f"vending/{environment}/shop-api",
        "api_keys_secret": f"vending/{environment}/shop-api-keys",
        "database_secrets": _secret(environment, "shop"),
        "extracted": "raw-data",
        "item_tables": _table(environment),
        "exported_tables": _table(environment),
        "table_exports": f"{_table(environment)}/export/*",
        "item_exports": f"arn:aws:s3:::{COMPANY}-vending-data-{suffix}/raw-data/internal/dynamodb-exports/*",
        "scanned_tables": ABSENT,
        "extraction_role": arn.format("platform"),
        "encryption": "aws:kms" if has_key else "AES256",
        "key": KEY_ARN if has_key else ABSENT,
        "delivery_addresses": ABSENT,
        "trail": f"{COMPANY}-vending-data-{suffix}",
        "logs_bucket": f"{COMPANY}-vending-data-{suffix}-logs",
        "login_secret": f"vending/{environment}/login",
        "database": f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{COMPANY}-vending-{suffix}-dagster",
    }


def _secret(environment: str, name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:vending/{environment}/{name}-??????"


def _table(environment: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/vending-app-{environment}"


def policy(name: str, values: Mapping[str, str]) -> list[Statement]:
    document = json.loads(Template((FOLDER / f"{name}.json").read_text()).substitute(values))
    assert document.keys() == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    statements = (_statement(declared) for declared in document["Statement"])
    return [statement for statement in map(_without_absent, statements) if statement is not None]


def _without_absent(statement: Statement) -> Statement | None:
    """The statement about what there is; None if nothing is left of it."""
    resources = [resource for resource in statement.resources if ABSENT not in resource]
    principals = {kind: [name for name in names if ABSENT not in name] for kind, names in statement.principals.items()}
    if not resources or not all(principals.values()) or ABSENT in str(statement.conditions):
        return None
    return replace(statement, resources=resources, principals=principals)


def is_allowed(statements: list[Statement], action: str, resource: str) -> bool:
    about = [statement for statement in statements if statement.is_about(action, resource)]
    return any(statement.effect == "Allow" for statement in about)


def denials(statements: list[Statement], action: str, resource: str, context: Mapping[str, str]) -> Iterator[str]:
    for statement in statements:
        if statement.effect == "Deny" and statement.is_about(action, resource) and statement.holds(context):
            yield statement.sid


def _statement(declared: dict[str, Any]) -> Statement:
    principals = declared.pop("Principal", {})
    conditions = declared.pop("Condition", {})
    return Statement(
        sid=declared.pop("Sid"),
        effect=declared.pop("Effect"),
        principals={"*": ["*"]} if principals == "*" else {kind: _list(names) for kind, names in principals.items()},
        actions=_list(declared.pop("Action")),
        resources=_list(declared.pop("Resource")),
        conditions={
            operator: {key: _list(values) for key, values in keys.items()} for operator, keys in conditions.items()
        },
        **declared,  # anything else in a statement is unknown here, and refused
    )


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
