"""A prefix in a bucket of S3, or of a store that speaks its language.

obstore reads and writes: it waits for many small objects at once without holding Python up. boto3 lists, because
obstore ends a listing at the first key that it can't express (`a//b.csv`, a tab), and one odd key must not hide the
others; for the same reason it reads what obstore can't name.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import obstore
from obstore.exceptions import BaseError, UnauthenticatedError
from obstore.store import S3Store

from vending_platform import aws
from vending_platform.aws import AwsErrorDetails, AwsErrorKind
from vending_platform.environment import COMPANY_VARIABLE, KMS_KEY_VARIABLE, AwsTarget, Encryption, S3Addressing
from vending_platform.storage.interface import CHUNK, PAGE, StorageError, StoredFile, Unreadable, read_whole

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore import GetOptions
    from obstore.store import RetryConfig, S3Config, S3Credential

_PARALLEL_READS = 16
_READ_AHEAD = 2 * _PARALLEL_READS
_PARTS_AT_ONCE = 4
_RETRIES: "Final[RetryConfig]" = {
    "max_retries": 8,
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=15), "base": 2},
    "retry_timeout": timedelta(minutes=2),
}
_ERRORS = (BaseError, FileNotFoundError, *aws.AWS_ERRORS)
_ODD_SEGMENT = re.compile(r"\.{0,2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class S3Bucket:
    """Whom to ask for it, and how objects written to it are encrypted. Opening it asks nobody."""

    name: str
    target: AwsTarget
    encryption: Encryption
    kms_key: str | None
    client: "Callable[[], S3Client]" = field(repr=False)
    credentials: "Callable[[], S3Credential]" = field(repr=False)


def buckets(target: AwsTarget, encryption: Encryption, kms_key: str | None) -> Callable[[str], S3Bucket]:
    """Gives the buckets of one account by name; they share a client and credentials."""
    match encryption:
        case Encryption.DISK:
            raise ValueError("objects are encrypted by S3, not by a disk")
        case Encryption.SSE_KMS if kms_key is None:
            raise ValueError("objects can't be encrypted with a key that is not named")
    client, credentials = cache(lambda: aws.client(target, "s3")), aws.credentials(target)
    return lambda name: S3Bucket(name, target, encryption, kms_key, client, credentials)


@dataclass(frozen=True)
class ObjectPlace:
    """`prefix` is a folder in the bucket, without a slash at either end; empty for the whole bucket."""

    bucket: S3Bucket
    prefix: str
    store: S3Store = field(repr=False)

    def __str__(self) -> str:
        return f"s3://{self.bucket.name}/{self.prefix}"

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        return chain.from_iterable(self._listed(prefix and prefix.rstrip("/") + "/"))

    def paths(self, prefix: str = "") -> Iterator[str]:
        return (file.path for file in self.files(prefix))

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        return self._listed("", after)

    def named(self, paths: Iterable[str]) -> Iterator[StoredFile]:
        with ThreadPoolExecutor(_PARALLEL_READS) as pool:
            yield from (file for file in pool.map(self._named, paths) if file is not None)

    def _named(self, path: str) -> StoredFile | None:
        try:
            found = self.bucket.client().head_object(Bucket=self.bucket.name, Key=self._key(path))
        except aws.AWS_ERRORS as error:
            problem = aws.problem_of(error)
            if problem.trouble is AwsErrorKind.MISSING:
                return None
            raise self._error("be looked at", "s3:GetObject and s3:ListBucket", problem) from error
        return StoredFile(path, found["ContentLength"], found["ETag"], found["LastModified"].astimezone(UTC))

    def _listed(self, below: str, after: str = "") -> Iterator[list[StoredFile]]:
        start: dict[str, Any] = {"StartAfter": self._key(after)} if after else {}
        try:
            pages = self.bucket.client().get_paginator("list_objects_v2")
            for page in pages.paginate(
                Bucket=self.bucket.name, Prefix=self._key(below), PaginationConfig={"PageSize": PAGE}, **start
            ):
                # A key that ends so and holds nothing is what consoles and file browsers write to show a folder.
                named = [(entry["Key"].removeprefix(self._key("")), entry) for entry in page.get("Contents", ())]
                yield [
                    StoredFile(path, entry["Size"], entry["ETag"], entry["LastModified"].astimezone(UTC))
                    for path, entry in named
                    if path and not (path.endswith("/") and not entry["Size"])
                ]
        except aws.AWS_ERRORS as error:
            raise self._error("be listed", "s3:ListBucket", aws.problem_of(error)) from error

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        try:
            # Piece by piece, each a request of its own for that version: one that stalls is tried again by itself.
            for start in range(0, max(file.size, 1), CHUNK):
                yield self._get(file, start)
        except _ERRORS as error:
            raise self._while_reading(file.path, _problem(error)) from error

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        coming: deque[Future[bytes | Unreadable]] = deque()
        with ThreadPoolExecutor(_PARALLEL_READS) as pool:
            try:
                for file in files:
                    coming.append(pool.submit(read_whole, self, file))
                    if len(coming) == _READ_AHEAD:
                        yield coming.popleft().result()
                while coming:
                    yield coming.popleft().result()
            finally:
                for future in coming:
                    future.cancel()  # where the bucket can't be used, each of them would try for minutes

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        if not isinstance(content, bytes):
            content = _whole_if_small(content)
        try:
            obstore.put(self.store, path, content, chunk_size=CHUNK, max_concurrency=_PARTS_AT_ONCE)
        except _ERRORS as error:
            if isinstance(error, FileNotFoundError) and error.errno is not None:
                raise  # not from S3, but from what makes the content
            raise self._error("be written", "s3:PutObject and kms:GenerateDataKey", _problem(error)) from error

    def read_path(self, path: str) -> Iterator[bytes]:
        try:
            found = obstore.get(self.store, path)
            meta = found.meta
            if meta["size"] <= CHUNK:
                yield bytes(found.bytes())
                return
            file = StoredFile(path, meta["size"], meta["e_tag"] or "", meta["last_modified"])
            for start in range(0, file.size, CHUNK):
                yield self._get(file, start)
        except _ERRORS as error:
            problem = _problem(error)
            if problem.trouble is AwsErrorKind.MISSING and problem.code != "NoSuchBucket":
                raise KeyError(path) from None
            raise self._error("be read", "s3:GetObject and kms:Decrypt", problem) from error

    def has(self, path: str) -> bool:
        try:
            obstore.head(self.store, path)
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise self._error("be looked at", "s3:GetObject and s3:ListBucket", _problem(error)) from error
        return True

    def delete(self, path: str) -> None:
        try:
            obstore.delete(self.store, path)
        except _ERRORS as error:
            raise self._error("be cleaned", "s3:DeleteObject", _problem(error)) from error

    def check_writing(self, path: str) -> None:
        """Returns if this role may write a file of this name, which must be nobody's. S3 writes nothing: only an object
        that is there may be replaced, and that there is none it says only to who may write. A store that knows no
        conditions writes an empty one, which is removed again."""
        asked: dict[str, Any] = {"Bucket": self.bucket.name, "Key": self._key(path)}
        encrypted: dict[str, Any] = {"ServerSideEncryption": self.bucket.encryption.value}
        if self.bucket.kms_key is not None:
            encrypted |= {"SSEKMSKeyId": self.bucket.kms_key, "BucketKeyEnabled": True}
        try:
            self.bucket.client().put_object(**asked, **encrypted, Body=b"", IfMatch=f'"{"0" * 32}"')
        except aws.AWS_ERRORS as error:
            problem = aws.problem_of(error)
            if problem.trouble in (AwsErrorKind.MISSING, AwsErrorKind.CHANGED) and problem.code != "NoSuchBucket":
                return
            raise self._error("be written", "s3:PutObject and s3:GetObject", problem) from error
        self.delete(path)

    def encryption_of(self, path: str) -> tuple[str | None, str | None]:
        """How the file is encrypted, and with which key of KMS, as S3 tells it."""
        try:
            found = self.bucket.client().head_object(Bucket=self.bucket.name, Key=self._key(path))
        except aws.AWS_ERRORS as error:
            raise self._error("be looked at", "s3:GetObject and s3:ListBucket", aws.problem_of(error)) from error
        return found.get("ServerSideEncryption"), found.get("SSEKMSKeyId")

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    def _get(self, file: StoredFile, start: int) -> bytes:
        """A piece of exactly this version of the object."""
        end = min(start + CHUNK, file.size)
        if _is_odd(file.path):
            span: dict[str, Any] = {"Range": f"bytes={start}-{end - 1}"} if file.size else {}
            key = self._key(file.path)
            found = self.bucket.client().get_object(Bucket=self.bucket.name, Key=key, IfMatch=file.etag, **span)
            return found["Body"].read()
        options: GetOptions = {"if_match": file.etag}
        if (start, end) != (0, file.size):
            options["range"] = (start, end)
        return bytes(obstore.get(self.store, file.path, options=options).bytes())

    def _while_reading(self, path: str, problem: AwsErrorDetails) -> Unreadable | StorageError:
        """What is wrong with one object stops no other; what is wrong with the bucket would be wrong with all."""
        match problem.trouble:
            case AwsErrorKind.MISSING if problem.code != "NoSuchBucket":
                return Unreadable("it was deleted while this run was reading")
            case AwsErrorKind.CHANGED:
                return Unreadable("it was still being written while this run was reading")
            case AwsErrorKind.DENIED:
                return Unreadable(
                    f"S3 denies it to this role ({problem.detail}): it needs s3:GetObject on {self}/{path}, "
                    "and kms:Decrypt on the key that encrypts it"
                )
            case AwsErrorKind.OTHER:
                return Unreadable(f"S3 does not give it ({problem.detail})")
            case _:
                return self._error("be read", "s3:GetObject", problem)

    def _error(self, what: str, rights: str, problem: AwsErrorDetails) -> StorageError:
        match problem.trouble:
            case AwsErrorKind.MISSING:
                why = f"there is no such bucket; {COMPANY_VARIABLE} is the first part of its name"
            case AwsErrorKind.DENIED:
                why = f"it is denied to this role ({problem.detail}), which needs {rights} there"
            case AwsErrorKind.OTHER if problem.code.startswith("KMS."):
                why = f"its key does not work ({problem.detail}): see {KMS_KEY_VARIABLE}"
            case _:
                why = problem.words(self.bucket.target, "s3")
        return StorageError(f"{self} can't {what}: {why}")


def open_bucket(bucket: S3Bucket, prefix: str) -> ObjectPlace:
    base = bucket.target.s3_endpoint or f"https://s3.{bucket.target.region}.amazonaws.com"
    is_virtual = bucket.target.s3_addressing is S3Addressing.VIRTUAL
    endpoint = base.replace("://", f"://{bucket.name}.", 1) if is_virtual else base
    key: S3Config = {}
    if bucket.kms_key is not None:
        # Fewer requests to the key: S3 derives the objects' keys from one that it keeps for a while.
        key = {"sse_kms_key_id": bucket.kms_key, "sse_bucket_key_enabled": True}
    store = S3Store(
        bucket.name,
        prefix=prefix or None,
        # Said in full, because obstore takes whatever is left unsaid from variables of its own.
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
    return ObjectPlace(bucket, prefix, store)


def _problem(error: Exception) -> AwsErrorDetails:
    if isinstance(error, aws.AWS_ERRORS):
        return aws.problem_of(error)
    return _problem_in(
        str(error).split("\n\nDebug source", 1)[0], is_about_credentials=isinstance(error, UnauthenticatedError)
    )


def _problem_in(said: str, *, is_about_credentials: bool) -> AwsErrorDetails:
    """What obstore says: it has AWS's answer, where there was one, in its words."""
    status = re.search(r"status code: (\d{3})(?: ([^:]*))?", said)
    if status is not None:
        code, message = (re.search(f"<{tag}>(.*?)</{tag}>", said, re.S) for tag in ("Code", "Message"))
        return aws.problem_with(
            code[1] if code else status[1], int(status[1]), message[1] if message else status[2] or ""
        )
    detail = said.strip().rsplit(" - ", 1)[-1]
    if is_about_credentials:
        return AwsErrorDetails(AwsErrorKind.CREDENTIALS, "", detail.rsplit("provider: ", 1)[-1])
    if "incorrectly configured region" in said:
        return AwsErrorDetails(AwsErrorKind.REGION, "", "it redirects elsewhere")
    return AwsErrorDetails(AwsErrorKind.UNREACHABLE, "", detail)


def _whole_if_small(pieces: Iterable[bytes]) -> bytes | Iterator[bytes]:
    """A small content as one piece, which takes one request in place of three."""
    rest = iter(pieces)
    start = b""
    for piece in rest:
        start += piece
        if len(start) > CHUNK:
            return chain([start], rest)
    return start


def _is_odd(path: str) -> bool:
    """Whether obstore can't express this key, or would ask for another one."""
    return any(map(_ODD_SEGMENT.fullmatch, path.split("/"))) or _CONTROL.search(path) is not None
