"""Where a connection's tokens lie, and nowhere else: a file that only its owner may read, or AWS Secrets Manager.

Both keep one grant, and accept a new one only if it is of the next generation.
"""

import os
import secrets as random_names
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from pydantic import SecretStr

from vending_platform import secrets
from vending_platform.connections.model import Grant, as_text, read_grant
from vending_platform.environment import AwsTarget
from vending_platform.errors import ConfigurationError
from vending_platform.file_lock import exclusive

_OWNER_ONLY = 0o600


class GrantStore(Protocol):
    def read(self) -> Grant | None:
        """None if there never was a connection."""

    def keep(self, grant: Grant) -> bool:
        """Afterwards it is kept, whatever happens to this process. False if another process has kept one of the same
        generation: nothing is changed then."""


@dataclass(frozen=True)
class FileStore:
    """A file with mode 600, replaced as a whole."""

    path: Path

    def read(self) -> Grant | None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with open(descriptor, encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) & ~_OWNER_ONLY:
                raise ConfigurationError(
                    f"{self.path} holds tokens, and others than its owner may use it: chmod 600 {self.path}"
                )
            return read_grant(SecretStr(file.read()), str(self.path))

    def keep(self, grant: Grant) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with exclusive(self.path.with_suffix(".writing"), "keeping a token", lambda _: None):
            before = self.read()
            if (before.generation if before is not None else 0) + 1 != grant.generation:
                return False
            new = self.path.with_name(f".{random_names.token_hex(8)}.tmp")
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.write(as_text(grant).get_secret_value())
                    file.flush()
                    os.fsync(descriptor)
                os.replace(new, self.path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
            _sync_folder(self.path.parent)
        return True


@dataclass(frozen=True)
class SecretStore:
    """A secret of AWS. The id of a version is made of its generation, and Secrets Manager refuses to give one id to two
    different values: that decides between two processes."""

    target: AwsTarget
    name: str

    def read(self) -> Grant | None:
        text = secrets.fetch_if_any(self.target, self.name)
        return None if text is None else read_grant(text, f"the secret {self.name}")

    def keep(self, grant: Grant) -> bool:
        version = uuid5(NAMESPACE_URL, f"{self.name}#{grant.generation}")
        return secrets.put(self.target, self.name, as_text(grant), str(version))


def _sync_folder(folder: Path) -> None:
    """Without it a power cut can undo that a file took another one's place."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
