"""A prefix in a bucket of S3, or of a store with the same API.

obstore reads and writes: it waits for many small objects at once without blocking Python. boto3 lists, because
obstore ends a listing at the first key that it can't express (`a//b.csv`, a tab), and one odd key must not hide the
others; for the same reason it reads what obstore can't name.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from itertools import chain
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from vending_platform import aws
from vending_platform.aws import AwsErrorDetails, AwsErrorKind
from vending_platform.storage.interface import CHUNK, PAGE, StorageError, StoredFile, Unreadable, read_whole
from vending_platform.storage.s3_bucket import S3Bucket, buckets, open_store
from vending_platform.storage.s3_errors import ERRORS, error_of, error_while_reading, problem_of

if TYPE_CHECKING:
    from obstore import GetOptions

__all__ = ["ObjectPlace", "S3Bucket", "buckets", "open_bucket"]

_PARALLEL_READS = 16
_READ_AHEAD = 2 * _PARALLEL_READS
_PARTS_AT_ONCE = 4
_ODD_SEGMENT = re.compile(r"\.{0,2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


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
            if problem.kind is AwsErrorKind.MISSING:
                return None
            raise self._error("be read", "s3:GetObject and s3:ListBucket", problem) from error
        return StoredFile(path, found["ContentLength"], found["ETag"], found["LastModified"].astimezone(UTC))

    def _listed(self, below: str, after: str = "") -> Iterator[list[StoredFile]]:
        start: dict[str, Any] = {"StartAfter": self._key(after)} if after else {}
        try:
            pages = self.bucket.client().get_paginator("list_objects_v2")
            for page in pages.paginate(
                Bucket=self.bucket.name, Prefix=self._key(below), PaginationConfig={"PageSize": PAGE}, **start
            ):
                # Consoles and file browsers write an empty object whose key ends so to show a folder.
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
            # In pieces, each a request of its own for that version: one that stalls is tried again by itself.
            for start in range(0, max(file.size, 1), CHUNK):
                yield self._get(file, start)
        except ERRORS as error:
            raise error_while_reading(self.bucket, str(self), file.path, problem_of(error)) from error

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        reads: deque[Future[bytes | Unreadable]] = deque()
        with ThreadPoolExecutor(_PARALLEL_READS) as pool:
            try:
                for file in files:
                    reads.append(pool.submit(read_whole, self, file))
                    if len(reads) == _READ_AHEAD:
                        yield reads.popleft().result()
                while reads:
                    yield reads.popleft().result()
            finally:
                for future in reads:
                    future.cancel()  # if the bucket can't be used, each of them would retry for minutes

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        if not isinstance(content, bytes):
            content = _whole_if_small(content)
        try:
            obstore.put(self.store, path, content, chunk_size=CHUNK, max_concurrency=_PARTS_AT_ONCE)
        except ERRORS as error:
            if isinstance(error, FileNotFoundError) and error.errno is not None:
                raise  # not from S3, but from the code that makes the content
            raise self._error("be written", "s3:PutObject and kms:GenerateDataKey", problem_of(error)) from error

    def create(self, path: str, content: bytes) -> bool:
        try:
            obstore.put(self.store, path, content, mode="create")
        except AlreadyExistsError:
            return False
        except ERRORS as error:
            raise self._error("be written", "s3:PutObject and kms:GenerateDataKey", problem_of(error)) from error
        return True

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
        except ERRORS as error:
            problem = problem_of(error)
            if problem.kind is AwsErrorKind.MISSING and problem.code != "NoSuchBucket":
                raise KeyError(path) from None
            raise self._error("be read", "s3:GetObject and kms:Decrypt", problem) from error

    def read_span(self, path: str, start: int, end: int) -> Iterator[bytes]:
        try:
            for begin in range(start, end, CHUNK):
                yield bytes(obstore.get_range(self.store, path, start=begin, end=min(begin + CHUNK, end)))
        except ERRORS as error:
            problem = problem_of(error)
            if problem.kind is AwsErrorKind.MISSING and problem.code != "NoSuchBucket":
                raise KeyError(path) from None
            raise self._error("be read", "s3:GetObject and kms:Decrypt", problem) from error

    def link(self, path: str, seconds: int) -> str:
        try:
            return self.bucket.client().generate_presigned_url(
                "get_object", Params={"Bucket": self.bucket.name, "Key": self._key(path)}, ExpiresIn=seconds
            )
        except aws.AWS_ERRORS as error:  # it is signed here, but the credentials may have to be fetched
            raise self._error("be read", "s3:GetObject", aws.problem_of(error)) from error

    def has(self, path: str) -> bool:
        try:
            obstore.head(self.store, path)
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise self._error("be read", "s3:GetObject and s3:ListBucket", problem_of(error)) from error
        return True

    def delete(self, path: str) -> None:
        try:
            obstore.delete(self.store, path)
        except ERRORS as error:
            raise self._error("be cleaned", "s3:DeleteObject", problem_of(error)) from error

    def check_writing(self, path: str) -> None:
        """Returns if this role may write a file of this name, which must not exist. S3 writes nothing: the request is
        to replace an existing object, and only to a role that may write S3 responds that there is none. A store that
        does not support conditions writes an empty one, which is deleted again."""
        object_: dict[str, Any] = {"Bucket": self.bucket.name, "Key": self._key(path)}
        encrypted: dict[str, Any] = {"ServerSideEncryption": self.bucket.encryption.value}
        if self.bucket.kms_key is not None:
            encrypted |= {"SSEKMSKeyId": self.bucket.kms_key, "BucketKeyEnabled": True}
        try:
            self.bucket.client().put_object(**object_, **encrypted, Body=b"", IfMatch=f'"{"0" * 32}"')
        except aws.AWS_ERRORS as error:
            problem = aws.problem_of(error)
            if problem.kind in (AwsErrorKind.MISSING, AwsErrorKind.CHANGED) and problem.code != "NoSuchBucket":
                return
            raise self._error("be written", "s3:PutObject and s3:GetObject", problem) from error
        self.delete(path)

    def encryption_of(self, path: str) -> tuple[str | None, str | None]:
        """How the file is encrypted, and with which key of KMS, as S3 reports it."""
        try:
            found = self.bucket.client().head_object(Bucket=self.bucket.name, Key=self._key(path))
        except aws.AWS_ERRORS as error:
            raise self._error("be read", "s3:GetObject and s3:ListBucket", aws.problem_of(error)) from error
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

    def _error(self, what: str, permissions: str, problem: AwsErrorDetails) -> StorageError:
        return error_of(self.bucket, str(self), what, permissions, problem)


def open_bucket(bucket: S3Bucket, prefix: str) -> ObjectPlace:
    return ObjectPlace(bucket, prefix, open_store(bucket, prefix))


def _whole_if_small(pieces: Iterable[bytes]) -> bytes | Iterator[bytes]:
    """Small content as one piece, which takes one request in the place of three."""
    remaining = iter(pieces)
    start = b""
    for piece in remaining:
        start += piece
        if len(start) > CHUNK:
            return chain([start], remaining)
    return start


def _is_odd(path: str) -> bool:
    """Whether obstore can't express this key, or would request another one."""
    return any(map(_ODD_SEGMENT.fullmatch, path.split("/"))) or _CONTROL.search(path) is not None
