"""API keys: a random secret of 256 bits that only its holder has; here there is what was derived from it.

The secret is as random as a key of a cipher, so nothing that was derived from it can be guessed back, and a slow
function, made for passwords, would only slow down every request.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from vending_platform.errors import ConfigurationError
from vending_platform.service.web.callers import ApiCaller, LoginKind, Permission

_KEY = re.compile(r"vpk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_METHOD = "hkdf-sha256"
_PURPOSE = b"vending-platform api key"
_BYTES = 32


class KeyRecord(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{12}$")]
    holder: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """Who has it: a program or a team, not a person's name. A holder's next key is the same caller."""
    hash: Annotated[str, StringConstraints(pattern=rf"^{_METHOD}:[0-9a-f]{{64}}$")]
    permissions: frozenset[Permission] = Field(min_length=1)
    domain: str
    environment: str
    expires_at: AwareDatetime
    revoked: bool = False
    acts_for: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    """Whose data it reaches, where an application limits that."""

    @property
    def caller(self) -> ApiCaller:
        return ApiCaller(f"key:{self.holder}", self.holder, self.permissions, LoginKind.KEY, acts_for=self.acts_for)

    def is_usable(self, now: datetime) -> bool:
        return not self.revoked and now < self.expires_at


class KeyRing(BaseModel):
    """The content of the secret: the records of all keys, and the key that signs sessions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[KeyRecord, ...]
    session_key: Annotated[SecretStr, Field(min_length=43)]

    def record(self, key_id: str) -> KeyRecord | None:
        return next((record for record in self.keys if record.id == key_id), None)


def read_key_ring(text: SecretStr, where: str) -> KeyRing:
    """ConfigurationError names the part that is not right, never its value."""
    try:
        return KeyRing.model_validate_json(text.get_secret_value())
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(str(part) for part in one['loc']) or 'it'}: {one['type']}"
            for one in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"{where} does not hold API keys as docs/api.md describes them: {mistakes}") from None


def new_key(
    holder: str,
    permissions: frozenset[Permission],
    domain: str,
    environment: str,
    expires_at: datetime,
    acts_for: str | None = None,
) -> tuple[str, KeyRecord]:
    """The key, which is shown once and kept nowhere, and what is kept of it."""
    key_id, secret = secrets.token_hex(6), secrets.token_bytes(_BYTES)
    record = KeyRecord(
        id=key_id,
        holder=holder,
        hash=_hash(key_id, secret),
        permissions=permissions,
        domain=domain,
        environment=environment,
        expires_at=expires_at,
        acts_for=acts_for,
    )
    return f"vpk_{key_id}_{urlsafe_b64encode(secret).decode().rstrip('=')}", record


def new_session_key() -> str:
    return secrets.token_urlsafe(_BYTES)


def looks_like_key(text: str) -> bool:
    return text.startswith("vpk_")


def record_of(key: str, ring: KeyRing) -> KeyRecord | None:
    """The record of this key, whether or not it may still be used; None if it is no one's."""
    if (found := _KEY.fullmatch(key)) is None or (record := ring.record(found[1])) is None:
        return None
    is_right = hmac.compare_digest(_hash(found[1], urlsafe_b64decode(f"{found[2]}=")), record.hash)
    return record if is_right else None


def utc_now() -> datetime:
    return datetime.now(UTC)


def _hash(key_id: str, secret: bytes) -> str:
    derived = HKDF(algorithm=SHA256(), length=_BYTES, salt=key_id.encode(), info=_PURPOSE).derive(secret)
    return f"{_METHOD}:{derived.hex()}"
