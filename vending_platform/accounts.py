"""Whether the credentials open what the environment names: checked before anything is touched.

A staging process with production's credentials, or a bucket of our name that another company created first, looks right
until the data has gone there.
"""

from vending_platform import aws
from vending_platform.aws import AwsError, AwsErrorKind
from vending_platform.environment import (
    AWS_ACCOUNT_VARIABLE,
    AWS_REGION_VARIABLE,
    COMPANY_VARIABLE,
    AwsTarget,
    Environment,
    Places,
)
from vending_platform.errors import NotAllowed


class WrongAccount(NotAllowed):
    """The credentials, a bucket or a warehouse belong to another account; the message names it and the right one."""


def check_account(environment: Environment) -> None:
    """Returns if everything outside this machine is where the environment declares; a laptop has nothing outside."""
    if environment.aws is not None:
        check_identity(environment.name, environment.aws)
        for bucket in sorted(buckets_of(environment.places)):
            check_bucket(environment.name, environment.aws, bucket)


def check_identity(name: str, target: AwsTarget) -> None:
    """Returns if the credentials are of the account that the environment `name` is in."""
    try:
        caller = aws.client(target, "sts").get_caller_identity()
    except aws.AWS_ERRORS as error:
        why = aws.problem_of(error).explain(target, "sts")
        raise AwsError(f"the account of the credentials can't be found out: {why}") from error
    if caller["Account"] != target.account:
        raise WrongAccount(
            f"{name} is in AWS account {target.account} ({AWS_ACCOUNT_VARIABLE}), but the credentials are of account "
            f"{caller['Account']} ({caller['Arn']}): nothing was touched"
        )


def check_bucket(name: str, target: AwsTarget, bucket: str, *, account_by: str = AWS_ACCOUNT_VARIABLE) -> None:
    """Returns if the bucket belongs to the account of `target`, which was named by `account_by`, and is in its
    region."""
    client = aws.client(target, "s3")
    try:
        region = client.head_bucket(Bucket=bucket, ExpectedBucketOwner=target.account).get("BucketRegion")
    except aws.AWS_ERRORS as error:
        problem = aws.problem_of(error)
        match problem.kind:
            case AwsErrorKind.MISSING:
                why = f"there is no such bucket; {COMPANY_VARIABLE} is the first part of its name"
            case AwsErrorKind.DENIED:
                # S3 responds in the same way for another owner and for a missing permission.
                why = f"it does not belong to account {target.account} ({account_by})"
                if not _is_readable(target, bucket):
                    why += ", or this role lacks s3:ListBucket on it"
                raise WrongAccount(f"{name} can't use s3://{bucket}: {why}: nothing was touched") from error
            case _:
                why = problem.explain(target, "s3")
        raise AwsError(f"{name} can't use s3://{bucket}: {why}") from error
    if region is not None and region != target.region:
        raise WrongAccount(
            f"{name} is in {target.region}, but s3://{bucket} is in {region}: see {AWS_REGION_VARIABLE}; "
            "nothing was touched"
        )


def _is_readable(target: AwsTarget, bucket: str) -> bool:
    try:
        aws.client(target, "s3").head_bucket(Bucket=bucket)
    except aws.AWS_ERRORS:
        return False
    return True


def buckets_of(places: Places) -> set[str]:
    """Every bucket that one of the places is in."""
    urls = (places.raw, places.processed, places.artifacts, places.work)
    return {url.removeprefix("s3://").partition("/")[0] for url in urls if url.startswith("s3://")}
