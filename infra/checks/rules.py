"""What must hold in every plan. A rule returns one sentence for each thing that is wrong."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from checks.plan import Plan, as_list
from checks.provider import KEY_ID
from checks.roles import role_table

Rule = Callable[[Plan], Iterator[str]]

# Statements about every resource, or with every action, each with its reason.
EVERYTHING_ALLOWED = {
    "LookUpTheirDefinition": "AWS knows no resource for ecs:DescribeTaskDefinition",
    "FollowItsOwnStatements": "a statement of Redshift's Data API has no ARN; the condition leaves the caller's own",
    "NoSecrets": "it denies",
    "OnlyOverTls": "it denies",
    "ThisAccount": "the state's key belongs to the account",
}


def no_wildcards(plan: Plan) -> Iterator[str]:
    for address, document in plan.policies():
        of_key = ".aws_kms_key." in address or address.startswith("aws_kms_key.")  # a key's policy names itself so
        for statement in document["Statement"]:
            sid, reason = statement["Sid"], EVERYTHING_ALLOWED.get(statement["Sid"])
            if "*" in as_list(statement.get("Resource", [])) and not of_key and reason is None:
                yield f"{address}: {sid} is about every resource, without a reason in checks/rules.py"
            actions = [action for action in as_list(statement["Action"]) if action.endswith("*")]
            if actions and statement["Effect"] == "Allow" and reason is None:
                yield f"{address}: {sid} allows {', '.join(actions)}"
            if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
                yield f"{address}: {sid} allows everyone"


def encrypted(plan: Plan) -> Iterator[str]:
    """With the customer key, where the environment has one; else with AWS's own."""
    has_key = any(resource.type == "aws_kms_key" for resource in plan.resources)
    must = (
        "aws_cloudtrail",
        "aws_cloudwatch_log_group",
        "aws_db_instance",
        "aws_redshiftserverless_namespace",
        "aws_secretsmanager_secret",
        "aws_sns_topic",
    )
    keys = dict.fromkeys(must, "kms_key_id") | {"aws_sns_topic": "kms_master_key_id"}
    for resource in plan.resources:
        needs_key = has_key and resource.type in must
        if needs_key and not str(resource.values.get(keys[resource.type])).endswith(KEY_ID):
            yield f"{resource.address} is not encrypted with the customer key"
        if resource.type == "aws_db_instance" and resource.values.get("storage_encrypted") is not True:
            yield f"{resource.address} is not encrypted"
        if resource.type == "aws_sqs_queue" and resource.values.get("sqs_managed_sse_enabled") is not True:
            yield f"{resource.address} is not encrypted"
        if resource.type == "aws_kms_key" and resource.values.get("enable_key_rotation") is not True:
            yield f"{resource.address} is never rotated"
        if resource.type == "aws_athena_workgroup" and has_key:
            (settings,) = resource.values["configuration"]
            (results,) = settings["result_configuration"]
            key = str(results["encryption_configuration"][0]["kms_key_arn"])
            if settings["enforce_workgroup_configuration"] is not True or not key.endswith(KEY_ID):
                yield f"{resource.address}: not every result is encrypted with the customer key"
        if resource.type == "aws_ecr_repository" and has_key:
            (settings,) = resource.values["encryption_configuration"]
            if settings["encryption_type"] != "KMS" or not settings["kms_key"].endswith(KEY_ID):
                yield f"{resource.address} is not encrypted with the customer key"
    yield from _buckets_encrypted(plan, has_key)


def nothing_public(plan: Plan) -> Iterator[str]:
    closed = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    blocks = plan.of_type("aws_s3_bucket_public_access_block")
    if len(blocks) != len(plan.of_type("aws_s3_bucket")):
        yield "a bucket does not block public access"
    for resource in blocks:
        if not all(resource.values.get(name) is True for name in closed):
            yield f"{resource.address} lets the public in"
    for resource in plan.resources:
        values = resource.values
        if values.get("publicly_accessible") not in (None, False):
            yield f"{resource.address} is publicly accessible"
        if resource.type == "aws_lb" and values.get("internal") is not True:
            yield f"{resource.address} faces the internet"
        if resource.type == "aws_ecs_service" and values["network_configuration"][0]["assign_public_ip"] is not False:
            yield f"{resource.address} has public addresses"
        if resource.type == "aws_vpc_security_group_ingress_rule" and _everywhere(values.get("cidr_ipv4")):
            yield f"{resource.address} lets everyone in"
        if resource.type == "aws_security_group":
            for rule in values.get("ingress") or ():
                if any(map(_everywhere, rule.get("cidr_blocks") or ())):
                    yield f"{resource.address} lets everyone in"


def over_tls_only(plan: Plan) -> Iterator[str]:
    for kind in ("aws_s3_bucket_policy", "aws_sqs_queue_policy", "aws_sns_topic_policy"):
        for resource in plan.of_type(kind):
            sids = {statement["Sid"] for statement in json.loads(resource.values["policy"])["Statement"]}
            if "OnlyOverTls" not in sids:
                yield f"{resource.address} allows requests without TLS"
    if len(plan.of_type("aws_s3_bucket_policy")) != len(plan.of_type("aws_s3_bucket")):
        yield "a bucket has no policy"
    for resource in plan.of_type("aws_lb_listener"):
        if resource.values["protocol"] != "HTTPS" or "TLS13" not in resource.values["ssl_policy"]:
            yield f"{resource.address} speaks something older than TLS 1.2"
    for resource in plan.of_type("aws_db_parameter_group"):
        if {"rds.force_ssl": "1"}.items() - {p["name"]: p["value"] for p in resource.values["parameter"]}.items():
            yield f"{resource.address} allows connections without TLS"
    for resource in plan.of_type("aws_redshiftserverless_workgroup"):
        settings = {p["parameter_key"]: p["parameter_value"] for p in resource.values["config_parameter"]}
        if settings.get("require_ssl") != "true":
            yield f"{resource.address} allows connections without TLS"


def kept(plan: Plan) -> Iterator[str]:
    """What was delivered, and who did what, can't get lost by a mistake."""
    for resource in plan.of_type("aws_s3_bucket_versioning"):
        if resource.values["versioning_configuration"][0]["status"] != "Enabled":
            yield f"{resource.address} keeps no versions"
    for resource in plan.of_type("aws_cloudwatch_log_group"):
        if not resource.values.get("retention_in_days"):
            yield f"{resource.address} is kept without an end"
    for resource in plan.of_type("aws_db_instance"):
        if resource.values.get("deletion_protection") is not True or resource.values["backup_retention_period"] < 7:
            yield f"{resource.address} can be lost"
    for resource in plan.of_type("aws_cloudtrail"):
        if resource.values.get("enable_log_file_validation") is not True:
            yield f"{resource.address} could be changed unseen"
    for resource in plan.of_type("aws_ecr_repository"):
        if resource.values.get("image_tag_mutability") != "IMMUTABLE":
            yield f"{resource.address} lets an image be replaced"
    for resource in plan.of_type("aws_ecs_task_definition"):
        for container in json.loads(resource.values["container_definitions"]):
            if container["readonlyRootFilesystem"] is not True or container["privileged"] is not False:
                yield f"{resource.address}: {container['name']} may change itself"


def named_as_declared(plan: Plan, declared: dict[str, Any]) -> Iterator[str]:
    """Every name that the application has from environments.yml is the name of something that is made."""
    made = {
        str(resource.values.get(key)) for resource in plan.resources for key in ("name", "bucket", "workgroup_name")
    }
    expected = {
        "the bucket": declared["places"]["raw"].removeprefix("s3://").split("/")[0],
        "the topic": declared["aws"]["alerts_topic"],
        **{f"the secret {name}": secret for name, secret in declared["aws"]["secrets"].items()},
        **{f"the secret of database {name}": one["secret"] for name, one in declared["databases"].items()},
        **{f"the client secret of {name}": one["client_secret"] for name, one in declared["connections"].items()},
        **{f"the secret for tokens of {name}": one["tokens"]["at"] for name, one in declared["connections"].items()},
        **{
            f"the secret {kind} of the API {name}": one[kind]
            for name, one in declared["database_apis"].items()
            for kind in ("secret", "owner_secret", "keys")
        },
        **{f"the queue {name}": declared["arrivals"].get(name) for name in ("queue", "dead_letters")},
        "the workgroup": declared["warehouse"].get("workgroup"),
    }
    for what, name in expected.items():
        if name is not None and name not in made:
            yield f"{what} {name} is declared, and not made"


RULES: tuple[Rule, ...] = (role_table, no_wildcards, encrypted, nothing_public, over_tls_only, kept)


def _buckets_encrypted(plan: Plan, has_key: bool) -> Iterator[str]:
    settings = plan.of_type("aws_s3_bucket_server_side_encryption_configuration")
    if len(settings) != len(plan.of_type("aws_s3_bucket")):
        yield "a bucket has no encryption of its own"
    for resource in settings:
        (by_default,) = resource.values["rule"][0]["apply_server_side_encryption_by_default"]
        needs_key = has_key and resource.name != "logs"  # S3 writes access logs only with its own key
        if needs_key and not str(by_default["kms_master_key_id"]).endswith(KEY_ID):
            yield f"{resource.address} is not encrypted with the customer key"
        if by_default["sse_algorithm"] not in ("aws:kms", "AES256"):
            yield f"{resource.address} is not encrypted"


def _everywhere(addresses: Any) -> bool:
    return addresses in ("0.0.0.0/0", "::/0")


def complaints(plan: Plan) -> list[str]:
    return [complaint for rule in RULES for complaint in rule(plan)]
