"""What `environments.yml` declares of a service that is connected by OAuth 2."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_Text = Annotated[str, StringConstraints(min_length=1)]
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1])(:\d{1,5})?(/|$)")
_VARIABLE = re.compile(r"\{[a-z0-9_]+\}")
_ADDRESSES = ("authorize", "token", "revoke")


class TokenStore(BaseModel):
    """`at` is a file, which only its owner may read, or the name of a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["file", "secret"]
    at: _Text


class ConnectionSettings(BaseModel):
    """The service's OAuth endpoints, what this platform is registered there as, and where its tokens are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authorize: _Text
    token: _Text
    revoke: _Text | None
    """Null where the service has none."""
    client: _Text
    client_secret: _Text | None
    """The name of a secret; null for a client that is registered as a public one."""
    scopes: tuple[_Text, ...] = Field(min_length=1)
    tokens: TokenStore

    @property
    def token_file(self) -> str | None:
        return self.tokens.at if self.tokens.by == "file" else None

    @property
    def token_secret(self) -> str | None:
        return self.tokens.at if self.tokens.by == "secret" else None

    def mistakes(self, *, has_aws: bool) -> Iterator[str]:
        for key in _ADDRESSES:
            address = getattr(self, key)
            if address is not None and not is_encrypted(address) and not _VARIABLE.match(address):
                yield f"{key}={address!r} is not encrypted: it begins with https"
        if not has_aws and self.client_secret is not None:
            yield "client_secret is in AWS Secrets Manager, so aws can't be null"
        if has_aws == (self.tokens.by == "file"):
            where = "in AWS Secrets Manager" if has_aws else "in a file, where aws is null"
            yield f"tokens.by={self.tokens.by!r}, and tokens are kept {where}"


def is_encrypted(address: str) -> bool:
    """Whether tokens may be sent there: by HTTPS, or without leaving this computer."""
    return address.startswith("https://") or _LOOPBACK.match(address) is not None
