"""Whether what the credentials open is what the environment names: asked before anything is touched.

A staging process with production's credentials, or a bucket of our name that somebody else made first, looks all right
until the data has gone there. And Snowflake connects whoever asks for a database that is not there, just without one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from vending_platform import aws
from vending_platform.aws import AwsError, AwsErrorKind
from vending_platform.environment import (
    AWS_ACCOUNT_VARIABLE,
    AWS_REGION_VARIABLE,
    COMPANY_VARIABLE,
    SNOWFLAKE_ACCOUNT_VARIABLE,
    AwsTarget,
    Environment,
    Places,
    SnowflakeTarget,
)
from vending_platform.errors import NotAllowed
from vending_platform.warehouse import Connect

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

_WHERE_AM_I = (
    "select current_account() as locator, current_organization_name() as organization,"
    " current_account_name() as account, current_database() as database, current_role() as role,"
    " current_warehouse() as warehouse"
)
"""It needs no warehouse that runs."""


class WrongAccount(NotAllowed):
    """The credentials, a bucket or a warehouse belong somewhere else; the message says where and where they should."""


def check_account(environment: Environment) -> None:
    """Returns if everything outside this machine is where the environment says; a laptop has nothing outside."""
    if environment.aws is not None:
        check_identity(environment.name, environment.aws)
        for bucket in sorted(buckets_of(environment.places)):
            check_bucket(environment.name, environment.aws, bucket)


def checked(connect: Connect, name: str, target: SnowflakeTarget) -> Connect:
    """The same connections; of the first it is asked where it is, and `WrongAccount` if that is not where the
    environment `name` says. Nothing else is sent before that; and of later connections, which lead to the same place,
    nothing is asked."""
    is_right = False

    @contextmanager
    def connected() -> "Iterator[SnowflakeConnection]":
        nonlocal is_right
        with connect() as connection:
            if not is_right:
                check_snowflake(connection, name, target)
                is_right = True
            yield connection

    return connected


class _Where(NamedTuple):
    """What a session of Snowflake says of itself: names as it writes them, None for what it has not."""

    locator: str
    organization: str | None
    account: str | None
    database: str | None
    role: str | None
    warehouse: str | None

    def is_account(self, identifier: str) -> bool:
        """Whether this is how somebody names the account: by its locator, or by organization and name, with or without
        what follows the first dot. That is a region, and it has led to this account, and not to another one of the same
        locator, as part of the host's name. A host's name has no underscores, so a name may be written without."""
        named = identifier.partition(".")[0]
        return _plain(named) in (_plain(self.locator), _plain(f"{self.organization}-{self.account}"))


def check_snowflake(connection: "SnowflakeConnection", name: str, target: SnowflakeTarget) -> None:
    """Returns if this connection is where the environment `name` says, with one question."""
    with connection.cursor() as cursor:
        where = _Where(*cursor.execute(_WHERE_AM_I).fetchone())  # type: ignore[union-attr, misc]
    if not where.is_account(target.account):
        raise WrongAccount(
            f"{name} is in Snowflake's account {target.account} ({SNOWFLAKE_ACCOUNT_VARIABLE}), but this is the "
            f"account {where.locator} ({where.organization}-{where.account}): nothing was touched"
        )
    for kind in ("role", "database", "warehouse"):
        wanted, found = getattr(target, kind), getattr(where, kind)
        if found is None:
            raise WrongAccount(
                f"{name} uses Snowflake's {kind} {wanted}, but in the account {target.account} there is none of that "
                f"name, or the role {where.role} may not use it: see docs/snowflake-setup.sql; nothing was touched"
            )
        if _plain(found) != _plain(wanted):
            raise WrongAccount(
                f"{name} uses Snowflake's {kind} {wanted}, but this connection has the {kind} {found}: "
                "nothing was touched"
            )


def _plain(name: str) -> str:
    return name.upper().replace("_", "-")


def check_identity(name: str, target: AwsTarget) -> None:
    """Returns if the credentials are of the account that the environment `name` is in."""
    try:
        caller = aws.client(target, "sts").get_caller_identity()
    except aws.AWS_ERRORS as error:
        why = aws.problem_of(error).words(target, "sts")
        raise AwsError(f"it can't be told whose credentials these are: {why}") from error
    if caller["Account"] != target.account:
        raise WrongAccount(
            f"{name} is in AWS account {target.account} ({AWS_ACCOUNT_VARIABLE}), but the credentials are of account "
            f"{caller['Account']} ({caller['Arn']}): nothing was touched"
        )


def check_bucket(name: str, target: AwsTarget, bucket: str, *, account_by: str = AWS_ACCOUNT_VARIABLE) -> None:
    """Returns if the bucket belongs to the account of `target`, which `account_by` has named, and is in its region."""
    client = aws.client(target, "s3")
    try:
        region = client.head_bucket(Bucket=bucket, ExpectedBucketOwner=target.account).get("BucketRegion")
    except aws.AWS_ERRORS as error:
        problem = aws.problem_of(error)
        match problem.trouble:
            case AwsErrorKind.MISSING:
                why = f"there is no such bucket; {COMPANY_VARIABLE} is the first part of its name"
            case AwsErrorKind.DENIED:
                # S3 gives the same answer for another owner and for a missing right.
                why = f"it does not belong to account {target.account} ({account_by})"
                if not _is_ours_to_look_at(target, bucket):
                    why += ", or this role lacks s3:ListBucket on it"
                raise WrongAccount(f"{name} can't use s3://{bucket}: {why}: nothing was touched") from error
            case _:
                why = problem.words(target, "s3")
        raise AwsError(f"{name} can't use s3://{bucket}: {why}") from error
    if region is not None and region != target.region:
        raise WrongAccount(
            f"{name} is in {target.region}, but s3://{bucket} is in {region}: see {AWS_REGION_VARIABLE}; "
            "nothing was touched"
        )


def _is_ours_to_look_at(target: AwsTarget, bucket: str) -> bool:
    try:
        aws.client(target, "s3").head_bucket(Bucket=bucket)
    except aws.AWS_ERRORS:
        return False
    return True


def buckets_of(places: Places) -> set[str]:
    """Every bucket that one of the places is in."""
    urls = (places.raw, places.processed, places.artifacts, places.work)
    return {url.removeprefix("s3://").partition("/")[0] for url in urls if url.startswith("s3://")}
