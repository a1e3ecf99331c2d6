"""What is kept of a connection to a service: who made it, what it may do, and its tokens while it lasts."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr, ValidationError

from vending_platform.errors import ConfigurationError, NotAllowed

_EARLY = timedelta(seconds=60)
"""How long before its end an access token is renewed, so that none ends on the way."""
_EARLY_PART = 10
"""Of a token that lasts for minutes only, the last tenth."""


class ConsentEnd(StrEnum):
    """Why a connection is none any more."""

    REVOKED = "revoked"
    """The service does not accept the refresh token."""
    LOST = "lost"
    """As REVOKED, and an earlier answer with the next token may have been lost on the way."""
    EXPIRED = "expired"
    """The access token has ended, and the service gave none to renew it with."""
    DISCONNECTED = "disconnected"
    """By a person, here."""


class NotConnected(NotAllowed):
    """There is no connection to the service; the message has the page on which a person makes one."""


@dataclass(frozen=True)
class TokenPair:
    """Printing it shows neither token."""

    access: SecretStr
    refresh: SecretStr | None
    issued_at: datetime
    expires_at: datetime | None
    """Of the access token; None if the service does not say."""

    def is_fresh(self, now: datetime) -> bool:
        if self.expires_at is None:
            return True
        return now < self.expires_at - min(_EARLY, (self.expires_at - self.issued_at) / _EARLY_PART)


@dataclass(frozen=True)
class Grant:
    """Every change has the next `generation`, also a new connection and the end of one: of two processes that change it
    at once, one is too late."""

    generation: int
    connected_at: datetime
    connected_by: str
    scopes: tuple[str, ...]
    tokens: TokenPair | None
    """None if it has ended."""
    ended: ConsentEnd | None = None
    ended_at: datetime | None = None

    def renewed(self, tokens: TokenPair, scopes: tuple[str, ...] | None) -> "Grant":
        """A service may keep the refresh token as it was, and leave out what it may do."""
        if tokens.refresh is None and self.tokens is not None:
            tokens = replace(tokens, refresh=self.tokens.refresh)
        return replace(self, generation=self.generation + 1, tokens=tokens, scopes=scopes or self.scopes)

    def ending(self, why: ConsentEnd, now: datetime) -> "Grant":
        return replace(self, generation=self.generation + 1, tokens=None, ended=why, ended_at=now)


class _WrittenGrant(BaseModel):
    """A grant as it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generation: int
    connected_at: AwareDatetime
    connected_by: str
    scopes: tuple[str, ...]
    access_token: SecretStr | None
    refresh_token: SecretStr | None
    issued_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    ended: ConsentEnd | None
    ended_at: AwareDatetime | None


def as_text(grant: Grant) -> SecretStr:
    """With the tokens in it: for the store alone."""
    tokens = grant.tokens
    return SecretStr(
        json.dumps(
            {
                "generation": grant.generation,
                "connected_at": grant.connected_at.isoformat(),
                "connected_by": grant.connected_by,
                "scopes": grant.scopes,
                "access_token": tokens.access.get_secret_value() if tokens is not None else None,
                "refresh_token": tokens.refresh.get_secret_value() if tokens is not None and tokens.refresh else None,
                "issued_at": tokens.issued_at.isoformat() if tokens is not None else None,
                "expires_at": tokens.expires_at.isoformat() if tokens is not None and tokens.expires_at else None,
                "ended": grant.ended,
                "ended_at": grant.ended_at.isoformat() if grant.ended_at is not None else None,
            }
        )
    )


def read_grant(text: SecretStr, where: str) -> Grant:
    """ConfigurationError names the part that is not right, never its value."""
    try:
        written = _WrittenGrant.model_validate_json(text.get_secret_value())
    except ValidationError as error:
        wrong = sorted({".".join(map(str, one["loc"])) or "it" for one in error.errors(include_input=False)})
        raise ConfigurationError(
            f"{where} does not hold a connection as this platform writes it ({', '.join(wrong)}): remove its content,"
            " and connect the service again"
        ) from None
    tokens = None
    if written.access_token is not None and written.issued_at is not None:
        tokens = TokenPair(written.access_token, written.refresh_token, written.issued_at, written.expires_at)
    return Grant(
        generation=written.generation,
        connected_at=written.connected_at,
        connected_by=written.connected_by,
        scopes=written.scopes,
        tokens=tokens,
        ended=written.ended,
        ended_at=written.ended_at,
    )
