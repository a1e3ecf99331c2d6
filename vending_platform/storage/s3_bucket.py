"""A bucket of S3, and how obstore reaches it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from obstore.store import S3Store

from vending_platform import aws
from vending_platform.environment import AwsTarget, Encryption, S3Addressing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore.store import RetryConfig, S3Config, S3Credential

_RETRIES: "Final[RetryConfig]" = {
    "max_retries": 8,
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=15), "base": 2},
    "retry_timeout": timedelta(minutes=2),
}


@dataclass(frozen=True)
class S3Bucket:
    """A bucket, its account, and how objects written to it are encrypted. Opening it sends no request."""

    name: str
    target: AwsTarget
    encryption: Encryption
    kms_key: str | None
    client: "Callable[[], S3Client]" = field(repr=False)
    credentials: "Callable[[], S3Credential]" = field(repr=False)


def buckets(target: AwsTarget, encryption: Encryption, kms_key: str | None) -> Callable[[str], S3Bucket]:
    """Returns the buckets of one account by name; they share a client and credentials."""
    match encryption:
        case Encryption.DISK:
            raise ValueError("objects are encrypted by S3, not by a disk")
        case Encryption.SSE_KMS if kms_key is None:
            raise ValueError("objects can't be encrypted with a key that is not named")
    client, credentials = cache(lambda: aws.client(target, "s3")), aws.credentials(target)
    return lambda name: S3Bucket(name, target, encryption, kms_key, client, credentials)


def open_store(bucket: S3Bucket, prefix: str) -> S3Store:
    base = bucket.target.s3_endpoint or f"https://s3.{bucket.target.region}.amazonaws.com"
    is_virtual = bucket.target.s3_addressing is S3Addressing.VIRTUAL
    endpoint = base.replace("://", f"://{bucket.name}.", 1) if is_virtual else base
    key: S3Config = {}
    if bucket.kms_key is not None:
        # Fewer requests to KMS: S3 derives the objects' keys from a key that it keeps for a while.
        key = {"sse_kms_key_id": bucket.kms_key, "sse_bucket_key_enabled": True}
    return S3Store(
        bucket.name,
        prefix=prefix or None,
        # In full, because obstore takes every setting that is missing from variables of its own.
        config={
            "region": bucket.target.region,
            "endpoint": endpoint,
            "aws_endpoint_url_s3": endpoint,
            "virtual_hosted_style_request": is_virtual,
            "skip_signature": False,
            "server_side_encryption": bucket.encryption.value,
            **key,
            "disable_bulk_delete": True,
        },
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=aws.CONNECT_SECONDS),
            "timeout": timedelta(seconds=aws.REQUEST_SECONDS),
        },
        retry_config=_RETRIES,
        credential_provider=bucket.credentials,
    )
