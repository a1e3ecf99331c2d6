"""Where the key of the pseudonyms comes from, and where anonymised deliveries may go."""

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_urlsafe
from tempfile import NamedTemporaryFile

from pydantic import SecretStr

from vending_platform import secrets
from vending_platform.accounts import buckets_of, check_bucket
from vending_platform.environment import Encryption, Environment
from vending_platform.errors import PlatformError
from vending_platform.pseudonyms import SHORTEST_KEY, Pseudonyms
from vending_platform.storage import LocalPlace, Place, open_place

_S3 = "s3://"


class AnonymisingError(PlatformError):
    """Nothing was copied; the message says why, and what to do."""


def key_of(environment: Environment, key_file: Path | None = None) -> Pseudonyms:
    """Production's key is in its Secrets Manager and nowhere else; a laptop, which has no real deliveries, names a
    file; staging has none."""
    if environment.aws is None:
        if key_file is None:
            raise AnonymisingError(
                f"{environment.name} has no key: name a file with one by --key-file "
                "(to create one: openssl rand -base64 32 > FILE)"
            )
        try:
            return _pseudonyms(key_file.read_text("ascii"), str(key_file))
        except UnicodeDecodeError:
            raise AnonymisingError(f"{key_file} can't be used: a key is a line of ASCII") from None
    name = environment.aws.secrets.pseudonyms
    if name is None:
        raise AnonymisingError(
            f"{environment.name} has no key: deliveries are anonymised where the real ones are, in production"
        )
    if key_file is not None:
        raise AnonymisingError(f"the key of {environment.name} is the secret {name}: leave --key-file out")
    return _pseudonyms(secrets.fetch(environment.aws, name).get_secret_value(), f"the secret {name}")


def key_of_exports(environment: Environment) -> Pseudonyms:
    """The same key; a laptop makes one for its exports, which stays there."""
    if environment.aws is not None:
        return key_of(environment)
    kept = Path(environment.places.work) / "pseudonyms.key"
    if not kept.exists():
        _make_key(kept)
    return key_of(environment, kept)


def _make_key(kept: Path) -> None:
    """Shows the key only whole: a process that is killed here leaves no empty one, and of two the first wins."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=kept.parent, prefix=".", suffix=".tmp") as made:  # which only its owner may read
        made.write(token_urlsafe(SHORTEST_KEY).encode())
        made.flush()
        with suppress(FileExistsError):
            os.link(made.name, kept)


def _pseudonyms(key: str, where: str) -> Pseudonyms:
    try:
        return Pseudonyms(SecretStr(key))
    except ValueError as error:
        raise AnonymisingError(f"{where} can't be used: {error}") from None


def open_target(environment: Environment, into: str, account: str | None = None) -> Place:
    """A local folder, or `s3://bucket/prefix` in a bucket of that account. Never a place of this environment: its
    own deliveries would be replaced."""
    if not into.startswith(_S3):
        return _open_folder(environment, into)
    bucket = into.removeprefix(_S3).partition("/")[0]
    if environment.aws is None:
        raise AnonymisingError(f"{environment.name} has no AWS account, so it can only write into a folder")
    if bucket in buckets_of(environment.places):
        raise AnonymisingError(f"s3://{bucket} has the deliveries of {environment.name} itself: name another bucket")
    if account is None:
        raise AnonymisingError(f"name the AWS account that s3://{bucket} has to belong to by --into-account")
    check_bucket(environment.name, replace(environment.aws, account=account), bucket, account_by="--into-account")
    return open_place(into, environment.aws, encryption=Encryption.SSE_S3)


def _open_folder(environment: Environment, into: str) -> LocalPlace:
    if "://" in into:
        raise AnonymisingError(f"{into} is neither a local folder nor {_S3}bucket/prefix")
    folder = Path(into).resolve()
    places = environment.places
    for url in (places.raw, places.processed, places.artifacts, places.work):
        own = Path(url).resolve()
        if not url.startswith(_S3) and (folder.is_relative_to(own) or own.is_relative_to(folder)):
            raise AnonymisingError(
                f"{into} and {url} overlap, and {url} belongs to {environment.name}: name another folder"
            )
    return LocalPlace(folder)
