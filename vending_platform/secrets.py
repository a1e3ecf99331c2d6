"""What must not be written down, from AWS Secrets Manager, at the moment it is used.

Nobody keeps it: a secret that was rotated is the new one the next time. It is shown by nothing that prints its holder.
"""

import logging

from pydantic import SecretStr

from vending_platform import aws
from vending_platform.aws import AwsError, AwsErrorKind
from vending_platform.environment import AwsTarget


class SecretUnavailable(AwsError):
    """The message says which secret, and what is missing: the secret, the right, or the way there."""

    is_transient = False


def fetch(target: AwsTarget, name: str) -> SecretStr:
    """The text that is kept under this name (see `AwsTarget.secrets`)."""
    logging.getLogger("botocore.parsers").addFilter(_tells_no_answer)
    try:
        text = aws.client(target, "secretsmanager").get_secret_value(SecretId=name).get("SecretString")
    except aws.AWS_ERRORS as error:
        problem = aws.problem_of(error)
        match problem.trouble:
            case AwsErrorKind.MISSING:
                why = f"account {target.account} has none of that name in {target.region}"
            case AwsErrorKind.DENIED:
                why = (
                    f"it is denied to this role ({problem.detail}), which needs secretsmanager:GetSecretValue on it, "
                    "and kms:Decrypt on the key that encrypts it"
                )
            case _:
                why = problem.words(target, "secretsmanager")
        raise SecretUnavailable(f"the secret {name} can't be had: {why}") from error
    if text is None:
        raise SecretUnavailable(f"the secret {name} can't be used: it is kept as bytes, and text is expected")
    return SecretStr(text)


def _tells_no_answer(record: logging.LogRecord) -> bool:
    """At its most talkative botocore logs the bodies of all answers, and here these are secrets."""
    return record.levelno > logging.DEBUG
