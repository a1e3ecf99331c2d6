"""The table of roles, and whether a plan has it row by row."""

import json
from collections.abc import Iterator
from string import Template
from typing import Any

from checks.plan import Plan, as_list
from checks.provider import KEY_ID
from checks.terraform import PROJECT

TASKS = ("ecs-tasks.amazonaws.com",)
MANAGED = {
    "execution": {"arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"},
    "api": {"arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"},
}

# The table of roles: who may take it, and the policies that it has. No other role is made, and none may do more.
Row = tuple[tuple[str, ...], tuple[str, ...]]

ROLES: dict[str, Row] = {
    "platform": (TASKS, ("platform",)),
    "service": (TASKS, ("service",)),
    "dagster": (TASKS, ("dagster-logs", "dagster-ecs")),
    "dagster-view": (TASKS, ("dagster-logs",)),
    "execution": (TASKS, ("execution",)),
    "deliverer": (("people",), ("deliverer",)),
    "reader": (("people",), ("reader",)),
    "operator": (("people",), ("operator",)),
}
OF_WAREHOUSE: dict[str, dict[str, Row]] = {
    "snowflake": {"snowflake": (("people",), ("snowflake",))},
    "redshift": {
        "platform": (TASKS, ("platform", "redshift")),
        "service": (TASKS, ("service", "redshift")),
        "copy": (("redshift.amazonaws.com", "redshift-serverless.amazonaws.com"), ("copy",)),
        "bi": (("people",), ("redshift-login",)),
        "dbt": (TASKS, ("redshift-login",)),
    },
}


def role_table(plan: Plan) -> Iterator[str]:
    kind = "redshift" if plan.of_type("aws_redshiftserverless_workgroup") else "snowflake"
    table = ROLES | OF_WAREHOUSE[kind]
    lake = plan.declared.get("lake")
    if lake is not None:
        takers, of_platform = table["platform"]
        table["platform"] = (takers, (*of_platform, "lake"))
        if lake["athena"] is not None:
            table["analyst"] = (("people",), ("analyst",))
    for api in plan.apis():
        table[f"{api}-api"] = (("lambda.amazonaws.com",), ("database-api",))
        table[f"{api}-proxy"] = (("rds.amazonaws.com",), ("database-proxy",))
    if not plan.of_type("aws_ecs_cluster"):  # the bootstrap, which has two roles of its own
        return
    if plan.roles() != table.keys():
        yield f"there are the roles {sorted(plan.roles())}, and {sorted(table)} are declared"
        return
    values = _blanks(plan)
    for role, (takers, policies) in table.items():
        found = {(json.dumps(statement, sort_keys=True)) for statement in plan.of_role(role)}
        declared = {
            json.dumps(statement, sort_keys=True)
            for name in policies
            for statement in declared_policy(name, values | _secrets_of_api(plan, role))
        }
        for extra in sorted(found - declared):
            yield f"{role} may do what no policy of deployment/iam declares for it: {extra}"
        for missing in sorted(declared - found):
            yield f"{role} may not do what deployment/iam declares for it: {missing}"
        yield from _takers(plan, role, takers)
    yield from _managed(plan)


def declared_policy(name: str, values: dict[str, str]) -> list[dict[str, Any]]:
    """As `modules/policy` fills it, written a second time so that one checks the other."""
    document = json.loads(Template((PROJECT / "deployment" / "iam" / f"{name}.json").read_text()).substitute(values))
    statements = []
    for statement in document["Statement"]:
        resources = [resource for resource in as_list(statement["Resource"]) if "absent" not in resource]
        if resources and "absent" not in json.dumps(statement.get("Condition")):
            statements.append({**statement, "Resource": resources})
    return statements


def _takers(plan: Plan, role: str, takers: tuple[str, ...]) -> Iterator[str]:
    (resource,) = [one for one in plan.of_type("aws_iam_role") if one.values["description"].startswith(f"{role} of ")]
    (statement,) = json.loads(resource.values["assume_role_policy"])["Statement"]
    principal = statement["Principal"]
    if takers == ("people",):
        named = as_list(principal.get("AWS", []))
        if principal.keys() != {"AWS"} or any("*" in name for name in named):
            yield f"{role} can be taken by {principal}, and not by named people or tools alone"
        if statement["Effect"] == "Allow" and any(name.endswith(":root") for name in named):
            yield f"{role} can be taken by everyone of an account"
    elif principal != {"Service": list(takers)} or "aws:SourceAccount" not in json.dumps(statement.get("Condition")):
        yield f"{role} can be taken by {principal}, and is declared for {', '.join(takers)} of this account"


def _managed(plan: Plan) -> Iterator[str]:
    for resource in plan.of_type("aws_iam_role_policy_attachment"):
        role = next((name for name in MANAGED if f"-{name}-" in resource.values["role"]), None)
        if role is None or resource.values["policy_arn"] not in MANAGED[role]:
            yield f"{resource.values['role']} has {resource.values['policy_arn']}, which the table does not have"


def _blanks(plan: Plan) -> dict[str, str]:
    """What fills the policies, read back from what is made."""
    by_description = {r.values["description"].split(" of ")[0]: r for r in plan.of_type("aws_iam_role")}
    platform = plan.one("aws_ecs_cluster").values["name"]
    account = plan.account
    arn = f"arn:aws:iam::{account}:role/"
    names = (
        "platform",
        "service",
        "dagster",
        "dagster_view",
        "analyst",
        "execution",
        "deliverer",
        "reader",
        "snowflake",
        "operator",
        "copy",
        "bi",
    )
    roles = {f"{name}_role": by_description.get(name.replace("_", "-")) for name in (*names, "dbt")}
    data = next(r for r in plan.of_type("aws_s3_bucket") if r.name == "data").values["bucket"]
    secrets = {r.name: r.values["name"] for r in plan.of_type("aws_secretsmanager_secret")}
    queues = {r.name.split("[")[0]: r.values["name"] for r in plan.of_type("aws_sqs_queue")}
    log_group = plan.one("aws_cloudwatch_log_group").values["name"]
    places = plan.prefixes()
    keys = plan.of_type("aws_kms_key")
    workgroups = plan.of_type("aws_redshiftserverless_workgroup")
    is_extracting = any(plan.declared[system] for system in ("databases", "dynamodb", "apis"))
    extracting = "platform" if is_extracting else "deliverer"
    domain, environment = secrets["login"].split("/")[:2]
    return {
        **{name: arn + role.values["name"] if role else "absent" for name, role in roles.items()},
        **places,
        "account": account,
        "region": plan.region,
        "bucket": data,
        "queue": queues.get("arrivals", "absent"),
        "dead_letters": queues.get("dead_letters", "absent"),
        "topic": plan.one("aws_sns_topic").values["name"],
        "cluster": platform,
        "run_task": next(r for r in plan.of_type("aws_ecs_task_definition") if r.name == "run[0]").values["family"],
        "log_group": log_group,
        "warehouse_secret": secrets.get("platform[warehouse]", "absent"),
        "slack_secret": secrets.get("platform[slack]", "absent"),
        "lake": plan.declared["lake"]["warehouse"].split("/", 3)[3] if plan.declared["lake"] else "absent",
        "lake_databases": plan.declared["lake"]["databases"] if plan.declared["lake"] else "absent",
        "athena_workgroup": next((r.values["name"] for r in plan.of_type("aws_athena_workgroup")), "absent"),
        "service_keys_secret": secrets.get("platform[api_keys]", "absent"),
        "pseudonyms_secret": secrets.get("platform[pseudonyms]", "absent"),
        "lineage_secret": secrets.get("platform[lineage]", "absent"),
        "database_secrets": _secrets_of(plan, secrets, "database-"),
        "connection_secrets": _secrets_of(plan, secrets, "client-", "tokens-"),
        "token_secrets": _secrets_of(plan, secrets, "tokens-"),
        "extracted": plan.prefixes()["raw"] if is_extracting else "absent",
        **_tables_of_items(plan),
        "extraction_role": arn + by_description[extracting].values["name"],
        "login_secret": f"{domain}/{environment}/login",
        "database": f"arn:aws:rds:{plan.region}:{account}:db:{plan.one('aws_db_instance').values['identifier']}",
        "key": f"arn:aws:kms:{plan.region}:{account}:key/{KEY_ID}" if keys else "absent",
        "workgroup": workgroups[0].values["workgroup_name"] if workgroups else "absent",
        "encryption": "aws:kms" if keys else "AES256",
        "delivery_addresses": "absent",
        "trail": plan.one("aws_cloudtrail").values["name"],
    }


def _secrets_of_api(plan: Plan, role: str) -> dict[str, str]:
    declared = plan.declared["database_apis"].get(role.rpartition("-")[0])
    return {} if declared is None else {"api_secret": declared["secret"], "api_keys_secret": declared["keys"]}


def _tables_of_items(plan: Plan) -> dict[str, str]:
    prefix = f"arn:aws:dynamodb:{plan.region}:{plan.account}:table/"
    declared = [one for _, one in sorted(plan.declared["dynamodb"].items())]
    exported = [one for one in declared if one["exports"] is not None]
    names = {
        "item_tables": [prefix + one["table"] for one in declared],
        "exported_tables": [prefix + one["table"] for one in exported],
        "table_exports": [f"{prefix}{one['table']}/export/*" for one in exported],
        "item_exports": [f"arn:aws:s3:::{one['exports'].removeprefix('s3://')}/*" for one in exported],
        "scanned_tables": [prefix + one["table"] for one in declared if one["exports"] is None],
    }
    return {name: '", "'.join(values) or "absent" for name, values in names.items()}


def _secrets_of(plan: Plan, secrets: dict[str, str], *kinds: str) -> str:
    starts = tuple(f"platform[{kind}" for kind in kinds)
    names = [secret for name, secret in sorted(secrets.items()) if name.startswith(starts)]
    prefix = f"arn:aws:secretsmanager:{plan.region}:{plan.account}:secret:"
    return '", "'.join(f"{prefix}{name}-??????" for name in names) or "absent"
