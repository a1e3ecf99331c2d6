"""What an error of S3 means, from boto3 and from obstore, in one sentence each."""

import re

from obstore.exceptions import BaseError, UnauthenticatedError

from vending_platform import aws
from vending_platform.aws import AwsErrorDetails, AwsErrorKind
from vending_platform.environment import COMPANY_VARIABLE, KMS_KEY_VARIABLE
from vending_platform.storage.interface import StorageError, Unreadable
from vending_platform.storage.s3_bucket import S3Bucket

ERRORS = (BaseError, FileNotFoundError, *aws.AWS_ERRORS)
"""What boto3 and obstore raise."""


def problem_of(error: Exception) -> AwsErrorDetails:
    if isinstance(error, aws.AWS_ERRORS):
        return aws.problem_of(error)
    return _problem_in_message(
        str(error).split("\n\nDebug source", 1)[0], is_about_credentials=isinstance(error, UnauthenticatedError)
    )


def _problem_in_message(text: str, *, is_about_credentials: bool) -> AwsErrorDetails:
    """What an error of obstore means: its message has the response of AWS, if there was one."""
    status = re.search(r"status code: (\d{3})(?: ([^:]*))?", text)
    if status is not None:
        code, message = (re.search(f"<{tag}>(.*?)</{tag}>", text, re.S) for tag in ("Code", "Message"))
        return aws.problem_with(
            code[1] if code else status[1], int(status[1]), message[1] if message else status[2] or ""
        )
    detail = text.strip().rsplit(" - ", 1)[-1]
    if is_about_credentials:
        return AwsErrorDetails(AwsErrorKind.CREDENTIALS, "", detail.rsplit("provider: ", 1)[-1])
    if "incorrectly configured region" in text:
        return AwsErrorDetails(AwsErrorKind.REGION, "", "it redirects elsewhere")
    return AwsErrorDetails(AwsErrorKind.UNREACHABLE, "", detail)


def error_while_reading(bucket: S3Bucket, place: str, path: str, problem: AwsErrorDetails) -> Unreadable | StorageError:
    """An error of one object stops no other; an error of the bucket would be the error of all."""
    match problem.kind:
        case AwsErrorKind.MISSING if problem.code != "NoSuchBucket":
            return Unreadable("it was deleted while this run was reading")
        case AwsErrorKind.CHANGED:
            return Unreadable("it was still being written while this run was reading")
        case AwsErrorKind.DENIED:
            return Unreadable(
                f"S3 denies it to this role ({problem.detail}): it needs s3:GetObject on {place}/{path}, "
                "and kms:Decrypt on the key that encrypts it"
            )
        case AwsErrorKind.OTHER:
            return Unreadable(f"S3 does not return it ({problem.detail})")
        case _:
            return error_of(bucket, place, "be read", "s3:GetObject", problem)


def error_of(bucket: S3Bucket, place: str, what: str, permissions: str, problem: AwsErrorDetails) -> StorageError:
    match problem.kind:
        case AwsErrorKind.MISSING:
            why = f"there is no such bucket; {COMPANY_VARIABLE} is the first part of its name"
        case AwsErrorKind.DENIED:
            why = f"it is denied to this role ({problem.detail}), which needs {permissions} there"
        case AwsErrorKind.OTHER if problem.code.startswith("KMS."):
            why = f"its key does not work ({problem.detail}): see {KMS_KEY_VARIABLE}"
        case _:
            why = problem.explain(bucket.target, "s3")
    return StorageError(f"{place} can't {what}: {why}")
