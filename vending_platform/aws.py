"""The one way to AWS: a client for a service of the environment's account, the credentials, and what AWS's errors mean.

Credentials come from boto3's own chain (variables, a profile, the role of the container or the machine), for boto3 and
for obstore alike: obstore's own chain knows fewer sources, and a process that checks the account with one client must
not write with the credentials of another. Nothing is resolved, and nothing is sent, before the first request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NotConnected

from vending_platform.environment import (
    AWS_ENDPOINT_VARIABLE,
    AWS_REGION_VARIABLE,
    S3_ENDPOINT_VARIABLE,
    AwsTarget,
    S3Addressing,
    SecretNames,
)
from vending_platform.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient
    from obstore.store import S3Credential

CONNECT_SECONDS = 5
REQUEST_SECONDS = 30
_TRIES = 6
_IN_SENSORS = ("sns", "sqs")
"""Services that a sensor calls: a tick has a minute altogether, and what fails is tried again at the next one."""
_PASSED_ON_FOR = timedelta(minutes=9)
"""boto3 returns no credentials with less than ten minutes left, and obstore renews these when five are left."""

AWS_ERRORS = (ClientError, BotoCoreError)
"""What boto3 raises."""


class AwsError(Unavailable):
    """AWS can't be used as the environment declares; the message says what is wrong and what to do."""


class AwsErrorKind(StrEnum):
    """The kinds of errors, as far as they differ in what to do about them."""

    CREDENTIALS = "credentials"
    REGION = "region"
    DENIED = "denied"
    MISSING = "missing"
    CHANGED = "changed"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    OTHER = "other"


@dataclass(frozen=True)
class AwsErrorDetails:
    kind: AwsErrorKind
    code: str
    detail: str

    def explain(self, target: AwsTarget, service: str) -> str:
        """What is wrong and what to do, as far as that does not depend on the request."""
        match self.kind:
            case AwsErrorKind.CREDENTIALS:
                return f"the credentials can't be used ({self.detail}): renew them, or give this process its role"
            case AwsErrorKind.REGION:
                return f"it is not in {target.region} ({self.detail}): set {AWS_REGION_VARIABLE}"
            case AwsErrorKind.BUSY:
                return f"{service} is too busy to respond ({self.detail}): run again later"
            case AwsErrorKind.UNREACHABLE:
                variable = S3_ENDPOINT_VARIABLE if service == "s3" else AWS_ENDPOINT_VARIABLE
                endpoint = _endpoint(target, service)
                where = f"{variable}={endpoint}" if endpoint else f"{AWS_REGION_VARIABLE}={target.region}"
                return f"{service} can't be reached ({self.detail}): check the network, and {where}"
            case AwsErrorKind.DENIED | AwsErrorKind.MISSING | AwsErrorKind.CHANGED | AwsErrorKind.OTHER:
                return f"{service} refused it ({self.detail})"


_CODES = {
    AwsErrorKind.CREDENTIALS: (
        "ExpiredToken ExpiredTokenException InvalidToken InvalidAccessKeyId InvalidClientTokenId "
        "UnrecognizedClientException SignatureDoesNotMatch InvalidSignatureException IncompleteSignature "
        "RequestTimeTooSkewed RequestExpired TokenRefreshRequired MissingAuthenticationToken AuthFailure 401"
    ),
    AwsErrorKind.REGION: "PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed 301 307",
    AwsErrorKind.DENIED: "AccessDenied AccessDeniedException AllAccessDisabled AuthorizationError 403",
    AwsErrorKind.MISSING: (
        "NoSuchBucket NoSuchKey ResourceNotFoundException NotFound NotFoundException "
        "AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist 404"
    ),
    AwsErrorKind.CHANGED: "PreconditionFailed 412",
    AwsErrorKind.BUSY: (
        "SlowDown Throttling ThrottlingException RequestLimitExceeded TooManyRequests TooManyRequestsException "
        "RequestThrottled ServiceUnavailable 503 429"
    ),
}
_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes.split()}


def problem_with(code: str, status: int | None = None, message: str = "") -> AwsErrorDetails:
    """What an error of AWS with this code means; the status of the response decides where the code is unknown."""
    kind = _KINDS.get(code) or _KINDS.get(str(status), AwsErrorKind.OTHER)
    return AwsErrorDetails(kind, code, f"{code}: {message}" if message else code)


def problem_of(error: ClientError | BotoCoreError) -> AwsErrorDetails:
    """What an error of boto3 means."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return problem_with(details.get("Code") or str(status), status, details.get("Message", ""))
    kind = AwsErrorKind.OTHER
    if isinstance(error, _ABOUT_CREDENTIALS):
        kind = AwsErrorKind.CREDENTIALS
    elif isinstance(error, (HTTPClientError, NotConnected)):
        kind = AwsErrorKind.UNREACHABLE
    return AwsErrorDetails(kind, type(error).__name__, str(error))


_ABOUT_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    SSOError,
    ProfileNotFound,
)


@overload
def client(target: AwsTarget, service: Literal["s3"]) -> "S3Client": ...
@overload
def client(target: AwsTarget, service: Literal["sts"]) -> "STSClient": ...
@overload
def client(target: AwsTarget, service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
@overload
def client(target: AwsTarget, service: Literal["sns"]) -> "SNSClient": ...
@overload
def client(target: AwsTarget, service: Literal["sqs"]) -> "SQSClient": ...
@overload
def client(target: AwsTarget, service: Literal["cloudwatch"]) -> "CloudWatchClient": ...
@overload
def client(target: AwsTarget, service: Literal["glue"]) -> "GlueClient": ...
@overload
def client(target: AwsTarget, service: str) -> Any: ...  # of a service that one package alone uses
def client(target: AwsTarget, service: Any) -> Any:
    """A client that tries a few times, never waits for ever, and uses the endpoints that the environment declares,
    whatever boto3's own variables hold. It may already look for credentials, so make it when it is used."""
    if (make := target.client_factories.get(service)) is not None:
        return make()
    import boto3  # half a second, and most commands on a laptop need none of it
    from botocore.config import Config

    tries, connect, read = (2, 3, 5) if service in _IN_SENSORS else (_TRIES, CONNECT_SECONDS, REQUEST_SECONDS)
    return boto3.Session(region_name=target.region).client(
        service,
        endpoint_url=_endpoint(target, service),
        config=Config(
            retries={"mode": "standard", "total_max_attempts": tries},
            connect_timeout=connect,
            read_timeout=read,
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs don't know it
            s3={"addressing_style": target.s3_addressing.value},
        ),
    )


def target_at(
    region: str | None,
    endpoint: str | None,
    *,
    account: str = "of this environment",
    addressing: S3Addressing = S3Addressing.VIRTUAL,
) -> AwsTarget:
    """Where a client sends its requests; the rest of a target is of no use to a client."""
    return AwsTarget(
        account=account,
        region=str(region),
        s3_endpoint=endpoint,
        s3_addressing=addressing,
        endpoint=endpoint,
        secrets=SecretNames(warehouse="", slack=""),
        alerts_topic="",
    )


def credentials(target: AwsTarget) -> "Callable[[], S3Credential]":
    """For obstore: the credentials that `client` would use, resolved at the first request and renewed in time."""

    @cache
    def found() -> Any:
        import boto3

        found = boto3.Session(region_name=target.region).get_credentials()
        if found is None:
            raise NoCredentialsError
        return found

    def current() -> "S3Credential":
        frozen = found().get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + _PASSED_ON_FOR,
        }

    return current


def _endpoint(target: AwsTarget, service: str) -> str | None:
    return target.s3_endpoint if service == "s3" else target.endpoint
