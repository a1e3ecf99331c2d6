"""A bucket as a file system, for libraries that open files themselves: DuckDB reads ranges of Parquet by it."""

from typing import Any, cast

from obstore.fsspec import FsspecStore
from obstore.store import S3Store

from vending_platform.storage.s3 import ObjectPlace
from vending_platform.storage.s3_bucket import open_store


class BucketFileSystem(FsspecStore):
    """`s3://bucket/key` of the bucket of one place, with the credentials and the endpoint of the place."""

    protocol = "s3"
    cachable = False  # fsspec would give another environment's instance for the same bucket's name

    def __init__(self, place: ObjectPlace) -> None:
        super().__init__("s3")
        self._name = place.bucket.name
        self._store = open_store(place.bucket, "")

    def _construct_store(self, bucket: str) -> S3Store:
        if bucket != self._name:
            raise FileNotFoundError(f"s3://{bucket} is not the bucket s3://{self._name}")
        return self._store


def filesystem_of(place: ObjectPlace) -> Any:
    return cast(Any, BucketFileSystem(place))
