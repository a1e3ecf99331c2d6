"""Secrets in AWS Secrets Manager, fetched when they are used.

They are kept nowhere: after a rotation the next use gets the new one. Printing the object that holds one shows none.
"""

import logging

from pydantic import SecretStr

from vending_platform import aws
from vending_platform.aws import AwsError, AwsErrorDetails, AwsErrorKind
from vending_platform.environment import AwsTarget

_EXISTS = "ResourceExistsException"
_OF_AWS = ("botocore.parsers", "botocore.endpoint")
OF_HTTPX = ("httpx2", "httpcore2.http11", "httpcore2.connection", "httpcore2.proxy")
"""The loggers of that client, for `hide_details`."""


class SecretUnavailable(AwsError):
    """The message says which secret, and what is missing: the secret, the permission, or the network."""

    is_transient = False


def fetch(target: AwsTarget, name: str) -> SecretStr:
    """The text of the secret of this name (see `AwsTarget.secrets`)."""
    text = fetch_if_any(target, name)
    if text is None:
        raise SecretUnavailable(
            f"the secret {name} can't be fetched: account {target.account} has none of that name in {target.region}"
        )
    return text


def fetch_if_any(target: AwsTarget, name: str) -> SecretStr | None:
    """As `fetch`; None if there is no such secret, or no value in it yet."""
    hide_details(*_OF_AWS)
    try:
        text = aws.client(target, "secretsmanager").get_secret_value(SecretId=name).get("SecretString")
    except aws.AWS_ERRORS as error:
        problem = aws.problem_of(error)
        if problem.kind is AwsErrorKind.MISSING:
            return None
        raise _refused(target, name, "fetched", "secretsmanager:GetSecretValue", "kms:Decrypt", problem) from error
    if text is None:
        raise SecretUnavailable(f"the secret {name} can't be used: it is binary, and text is expected")
    return SecretStr(text)


def put(target: AwsTarget, name: str, text: SecretStr, version: str) -> bool:
    """Make this the value of a secret that is there. False if it has a version of this id with another value: nothing
    is changed then."""
    hide_details(*_OF_AWS)
    try:
        aws.client(target, "secretsmanager").put_secret_value(
            SecretId=name, SecretString=text.get_secret_value(), ClientRequestToken=version
        )
    except aws.AWS_ERRORS as error:
        problem = aws.problem_of(error)
        if problem.code == _EXISTS:
            return False
        if problem.kind is AwsErrorKind.MISSING:
            raise SecretUnavailable(
                f"the secret {name} can't be written: account {target.account} has none of that name in "
                f"{target.region}, and this role does not make one"
            ) from error
        permission = "secretsmanager:PutSecretValue"
        raise _refused(target, name, "written", permission, "kms:GenerateDataKey", problem) from error
    return True


def _refused(
    target: AwsTarget, name: str, what: str, permission: str, key_permission: str, problem: AwsErrorDetails
) -> SecretUnavailable:
    if problem.kind is AwsErrorKind.DENIED:
        why = (
            f"it is denied to this role ({problem.detail}), which needs {permission} on it, "
            f"and {key_permission} on the key that encrypts it"
        )
    else:
        why = problem.explain(target, "secretsmanager")
    return SecretUnavailable(f"the secret {name} can't be {what}: {why}")


def hide_details(*loggers: str) -> None:
    """Below warnings clients log addresses, headers and bodies of requests and responses, which may have secrets."""
    for name in loggers:
        logging.getLogger(name).addFilter(_is_not_detail)


def _is_not_detail(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
