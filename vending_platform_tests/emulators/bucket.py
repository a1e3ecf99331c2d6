"""A bucket on a local S3, with nothing but what the stage of a Snowflake needs beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from vending_platform.storage import ObjectPlace

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NAME = "hinode-vending-data-staging"
_REGION = "ap-northeast-1"


@dataclass(frozen=True)
class Bucket:
    endpoint: str
    s3: "S3Client"

    def url(self, prefix: str) -> str:
        return f"s3://{_NAME}/{prefix}"

    def place(self, prefix: str) -> ObjectPlace:
        store = S3Store(
            _NAME,
            prefix=prefix,
            endpoint=self.endpoint,
            access_key_id="nobody",
            secret_access_key="none",
            region=_REGION,
            client_options={"allow_http": True},
        )
        return ObjectPlace(store)


@contextmanager
def local_bucket() -> Iterator[Bucket]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        session = boto3.Session("nobody", "none", region_name=_REGION)
        s3: S3Client = session.client("s3", endpoint_url=endpoint)
        s3.create_bucket(Bucket=_NAME, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
        yield Bucket(endpoint, s3)
    finally:
        server.stop()
