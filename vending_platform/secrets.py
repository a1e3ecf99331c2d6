"""Secrets, fetched from AWS Secrets Manager when they are used.

They are kept nowhere: after a rotation the next use gets the new one. Printing the object that holds one shows none.
"""

import logging

from pydantic import SecretStr

from vending_platform import aws
from vending_platform.aws import AwsError, AwsErrorKind
from vending_platform.environment import AwsTarget


class SecretUnavailable(AwsError):
    """The message says which secret, and what is missing: the secret, the permission, or the network."""

    is_transient = False


def fetch(target: AwsTarget, name: str) -> SecretStr:
    """The text of the secret of this name (see `AwsTarget.secrets`)."""
    logging.getLogger("botocore.parsers").addFilter(_has_no_response)
    try:
        text = aws.client(target, "secretsmanager").get_secret_value(SecretId=name).get("SecretString")
    except aws.AWS_ERRORS as error:
        problem = aws.problem_of(error)
        match problem.kind:
            case AwsErrorKind.MISSING:
                why = f"account {target.account} has none of that name in {target.region}"
            case AwsErrorKind.DENIED:
                why = (
                    f"it is denied to this role ({problem.detail}), which needs secretsmanager:GetSecretValue on it, "
                    "and kms:Decrypt on the key that encrypts it"
                )
            case _:
                why = problem.explain(target, "secretsmanager")
        raise SecretUnavailable(f"the secret {name} can't be fetched: {why}") from error
    if text is None:
        raise SecretUnavailable(f"the secret {name} can't be used: it is binary, and text is expected")
    return SecretStr(text)


def _has_no_response(record: logging.LogRecord) -> bool:
    """At level DEBUG botocore logs the bodies of all responses, and here these are secrets."""
    return record.levelno > logging.DEBUG
