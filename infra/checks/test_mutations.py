"""The checks find faults: each of these is put into the code, and one of them complains."""

from pathlib import Path
from typing import NamedTuple

import pytest

from checks import terraform
from checks.conftest import check
from checks.rules import complaints, named_as_declared
from checks.terraform import Code, PlanFailed

MODULES = "infra/terraform/modules"


class Mutation(NamedTuple):
    path: str
    old: str
    new: str
    complaint: str
    """A part of what a check is to answer."""


MUTATIONS = {
    "misspelt argument": Mutation(
        f"{MODULES}/foundation/main.tf",
        "enable_key_rotation     =",
        "enable_key_rotations    =",
        "Unsupported argument",
    ),
    "misspelt block": Mutation(
        f"{MODULES}/foundation/main.tf", "  versioning_configuration {", "  versioning_config {", "versioning_config"
    ),
    "required argument is missing": Mutation(
        f"{MODULES}/redshift/main.tf",
        "  namespace_name       = var.settings.warehouse.workgroup\n",
        "",
        "namespace_name",
    ),
    "wrong reference": Mutation(
        f"{MODULES}/pipeline/arrivals.tf",
        "aws_sns_topic.alerts.arn\n",
        "aws_sns_topic.alert.arn\n",
        "undeclared resource",
    ),
    "wrong type": Mutation(
        f"{MODULES}/pipeline/arrivals.tf",
        "message_retention_seconds = 1209600\n}",
        'message_retention_seconds = "long"\n}',
        "number",
    ),
    "no encryption of the bucket": Mutation(
        f"{MODULES}/foundation/main.tf",
        "kms_master_key_id = local.key_arn",
        "kms_master_key_id = null",
        "not encrypted",
    ),
    "a query chooses how its result is encrypted": Mutation(
        f"{MODULES}/lake/main.tf",
        "enforce_workgroup_configuration    = true",
        "enforce_workgroup_configuration    = false",
        "not every result is encrypted",
    ),
    "no encryption of the database": Mutation(
        f"{MODULES}/pipeline/database.tf",
        "storage_encrypted               = true",
        "storage_encrypted               = false",
        "not encrypted",
    ),
    "secrets without the key": Mutation(
        f"{MODULES}/foundation/main.tf",
        "  kms_key_id              = local.key_arn\n  recovery",
        "  recovery",
        "not encrypted with the customer key",
    ),
    "queue without encryption": Mutation(
        f"{MODULES}/pipeline/arrivals.tf",
        "sqs_managed_sse_enabled    = true",
        "sqs_managed_sse_enabled    = false",
        "not encrypted",
    ),
    "key is never rotated": Mutation(
        f"{MODULES}/foundation/main.tf", "enable_key_rotation     = true", "enable_key_rotation     = false", "rotated"
    ),
    "open bucket": Mutation(
        f"{MODULES}/foundation/main.tf",
        "aws_s3_bucket.data.id\n  block_public_acls       = true",
        "aws_s3_bucket.data.id\n  block_public_acls       = false",
        "lets the public in",
    ),
    "database on the internet": Mutation(
        f"{MODULES}/pipeline/database.tf",
        "publicly_accessible             = false",
        "publicly_accessible             = true",
        "publicly accessible",
    ),
    "UI on the internet": Mutation(
        f"{MODULES}/pipeline/login.tf",
        "internal                   = true",
        "internal                   = false",
        "faces the internet",
    ),
    "everyone reaches the UI": Mutation(
        f"{MODULES}/pipeline/login.tf",
        "cidr_ipv4         = var.network_range",
        'cidr_ipv4         = "0.0.0.0/0"',
        "lets everyone in",
    ),
    "policy of its own": Mutation(
        f"{MODULES}/iam/main.tf",
        "  policy   = module.policy[each.value.policy].json",
        '  policy   = replace(module.policy[each.value.policy].json, "s3:GetObject", "s3:*")',
        "may do what no policy of deployment/iam declares",
    ),
    "further role": Mutation(
        f"{MODULES}/iam/main.tf",
        '    operator     = ["operator"]',
        '    operator     = ["operator", "platform"]',
        "operator may do",
    ),
    "role for anyone": Mutation(
        f"{MODULES}/iam/main.tf",
        'Condition = { StringEquals = { "aws:SourceAccount" = var.settings.account } }',
        "",
        "can be taken by",
    ),
    "managed policy": Mutation(
        f"{MODULES}/iam/main.tf",
        "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "which the table does not have",
    ),
    "requests without TLS": Mutation(
        f"{MODULES}/pipeline/database.tf",
        'name  = "rds.force_ssl"\n    value = "1"',
        'name  = "rds.force_ssl"\n    value = "0"',
        "without TLS",
    ),
    "no versions": Mutation(
        f"{MODULES}/foundation/main.tf",
        '    status = "Enabled"\n  }\n}',
        '    status = "Suspended"\n  }\n}',
        "keeps no versions",
    ),
    "database can be lost": Mutation(
        f"{MODULES}/pipeline/database.tf",
        "deletion_protection             = true",
        "deletion_protection             = false",
        "can be lost",
    ),
    "writable container": Mutation(
        f"{MODULES}/pipeline/main.tf",
        "readonlyRootFilesystem = true",
        "readonlyRootFilesystem = false",
        "may change itself",
    ),
    "another name": Mutation(
        f"{MODULES}/pipeline/arrivals.tf",
        "name                      = var.settings.dead_letters",
        'name                      = "${var.settings.dead_letters}2"',
        "is declared, and not made",
    ),
}
OFTEN = ("misspelt argument", "open bucket", "no encryption of the bucket", "policy of its own")


@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.proof) for name in MUTATIONS]
)
def test_a_fault_is_found(name: str, code: Code, tmp_path: Path) -> None:
    mutation = MUTATIONS[name]
    copy = terraform.copied(tmp_path)
    copy.replaced(mutation.path, mutation.old, mutation.new)
    answers = " ".join(_answers(copy))
    assert mutation.complaint in answers, answers


def _answers(copy: Code) -> list[str]:
    (root,) = (path for path in copy.roots() if path.name == "vending-production")
    try:
        checked = check(copy, root)
    except PlanFailed as failed:
        return [str(failed)]
    if checked.plan is None:
        return checked.problems
    return [*complaints(checked.plan), *named_as_declared(checked.plan, checked.plan.declared)]


def test_a_name_changed_in_the_declaration_moves_what_is_made(code: Code, tmp_path: Path) -> None:
    copy = terraform.copied(tmp_path)
    copy.replaced(
        "dbt_project/environments.yml", "{company}-vending-arrivals-prod-dlq", "{company}-vending-arrivals-prod-unread"
    )
    (root,) = (path for path in copy.roots() if path.name == "vending-production")
    plan = check(copy, root).plan
    assert plan is not None
    assert "hinode-vending-arrivals-prod-unread" in {queue.values["name"] for queue in plan.of_type("aws_sqs_queue")}
    assert complaints(plan) == []
    assert list(named_as_declared(plan, plan.declared)) == []
