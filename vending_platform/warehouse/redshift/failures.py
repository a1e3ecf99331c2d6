"""What went wrong in Redshift or on the way to it, in one sentence that says what to do."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vending_platform import aws
from vending_platform.aws import AwsErrorKind
from vending_platform.environment import AwsTarget
from vending_platform.warehouse.interface import WarehouseError
from vending_platform.warehouse.redshift.settings import RedshiftSettings

_CONFLICT = re.compile(r"conflict with concurrent transaction|serializable isolation violation|deadlock", re.I)
_TOO_LARGE = re.compile(r"result.*(?:exceed|too large|larger)|(?:exceed|too large|larger).*result", re.I)
_FENCE = re.compile(r"divide by zero", re.I)
_SHOWN = 200


class ConflictingTransaction(WarehouseError):
    """Another transaction has changed the same tables: nothing of this one is left, and it can be repeated."""


class FenceClosed(WarehouseError):
    """The condition that a transaction begins with does not hold: nothing was changed."""


def failure_of(described: Mapping[str, Any], sql: str) -> WarehouseError:
    """Of a statement that has ended, and not well."""
    reason = " ".join(str(described.get("Error", "no reason is given")).split()).removeprefix("ERROR: ")
    if described["Status"] == "ABORTED":
        return WarehouseError(
            f"Redshift: the statement {described['Id']} was stopped ({reason}): by a person, by the workgroup's limits,"
            " or because it ran for 24 hours; see the workgroup's query monitoring, and run again"
        )
    if _CONFLICT.search(reason):
        return ConflictingTransaction(
            f"Redshift: {reason}; nothing was changed, and it was tried several times: find out who else changes these"
            " tables, and run again"
        )
    if _FENCE.search(reason):
        return FenceClosed(f"Redshift: {reason}")
    if _TOO_LARGE.search(reason):
        return WarehouseError(
            f"Redshift: {reason}: the Data API returns at most 100 MB; ask for fewer rows or columns, or export them"
        )
    return WarehouseError(f"Redshift: {reason} (in: {' '.join(sql.split())[:_SHOWN]})")


def refused(error: ClientError | BotoCoreError, target: AwsTarget, settings: RedshiftSettings) -> WarehouseError:
    """Of a request that the Data API did not take, also after boto3 has repeated it."""
    problem = aws.problem_of(error)
    where = f"the database {settings.database} of the workgroup {settings.workgroup}"
    if problem.code in ("ActiveStatementsExceededException", "ActiveSessionsExceededException"):
        return WarehouseError(
            f"Redshift's Data API runs too many statements at once ({problem.detail}): run again later"
        )
    if problem.code == "ResourceNotFoundException":
        return WarehouseError(
            f"Redshift's Data API no longer knows a statement ({problem.detail}): it keeps results for 24 hours;"
            " run again"
        )
    if problem.code == "ValidationException":
        return WarehouseError(f"Redshift's Data API can't run a statement in {where}: {problem.detail}")
    if problem.kind is AwsErrorKind.DENIED:
        return WarehouseError(
            f"Redshift's Data API does not let this role use {where} ({problem.detail}): it needs"
            " redshift-data:ExecuteStatement, BatchExecuteStatement, DescribeStatement, GetStatementResult and"
            " CancelStatement, and redshift-serverless:GetCredentials and GetWorkgroup on the workgroup"
        )
    return WarehouseError(f"Redshift's Data API can't be used: {problem.explain(target, 'redshift-data')}")
