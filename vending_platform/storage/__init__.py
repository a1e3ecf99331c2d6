"""Where files live. A `Place` is one folder or one bucket prefix; `Storage` is the four that an environment has.

`LocalPlace` is a laptop's, `ObjectPlace` is S3's; the code that uses a place need not know which. Opening one sends no
request to S3.
"""

from collections.abc import Callable
from pathlib import Path

from vending_platform.environment import AwsTarget, Encryption, Places
from vending_platform.storage.interface import Place, Storage, StorageError, StoredFile, Unreadable
from vending_platform.storage.local import LocalPlace
from vending_platform.storage.s3 import ObjectPlace, S3Bucket, buckets, open_bucket

__all__ = [
    "LocalPlace",
    "ObjectPlace",
    "Place",
    "Storage",
    "StorageError",
    "StoredFile",
    "Unreadable",
    "open_place",
    "open_storage",
]

_S3 = "s3://"


def open_storage(
    places: Places,
    aws: AwsTarget | None = None,
    *,
    encryption: Encryption = Encryption.DISK,
    kms_key: str | None = None,
) -> Storage:
    """The four places; those in S3 (`s3://bucket/prefix`) are in the account `aws`, and what is written there is
    encrypted as `encryption` declares. A local raw place must exist: a missing folder is not the same as an empty one.
    """
    bucket = buckets(aws, encryption, kms_key) if aws is not None else None
    urls = (places.raw, places.processed, places.artifacts, places.work)
    storage = Storage(*(_open_place(url, bucket) for url in urls))
    if isinstance(storage.raw, LocalPlace) and not storage.raw.folder.is_dir():
        raise FileNotFoundError(f"{places.raw} is not a folder: that is where deliveries are expected")
    return storage


def open_place(
    url: str, aws: AwsTarget | None = None, *, encryption: Encryption = Encryption.DISK, kms_key: str | None = None
) -> Place:
    """One place by itself, whether or not it is there."""
    return _open_place(url, buckets(aws, encryption, kms_key) if aws is not None else None)


def _open_place(url: str, bucket: Callable[[str], S3Bucket] | None) -> Place:
    if url.startswith(_S3):
        if bucket is None:
            raise ValueError(f"{url} can't be opened without the account that it is in")
        name, _, prefix = url.removeprefix(_S3).partition("/")
        return open_bucket(bucket(name), prefix.strip("/"))
    if "://" in url:
        raise ValueError(f"{url} is neither a local folder nor {_S3}bucket/prefix")
    return LocalPlace(Path(url))
