"""Log-in by a token of the company's identity provider (OpenID Connect), as the proxy in front sends it.

Checked are the signature by a key of the issuer, the algorithm, issuer, audience, and the time; and which groups the
person is in decides what they may do.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request

from vending_platform.errors import ConfigurationError, Unavailable
from vending_platform.service.web.callers import (
    ALL_PERMISSIONS,
    ApiCaller,
    LoginKind,
    LoginMethod,
    Permission,
    bearer_of,
    unauthorized,
)
from vending_platform.service.web.problems import HttpProblem
from vending_platform.service.web.protecting import LOOPBACK

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Of key pairs only: with a shared secret everyone who can check a token could make one."""
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
_LEEWAY_SECONDS = 30
_KEYS_KEPT_SECONDS = 3600.0
_BETWEEN_LOOKS_SECONDS = 60.0
_LONGEST = 8192
_VIEWER = frozenset({Permission.READ, Permission.DOWNLOAD})


class IssuerUnavailable(Unavailable):
    """The identity provider's keys can't be fetched; the message says from where."""


@dataclass(frozen=True)
class TokenIssuer:
    """`groups` gives to the members of a group what they may do."""

    issuer: str
    audience: str
    groups: Mapping[str, frozenset[Permission]]


def groups_of(domain: str) -> dict[str, frozenset[Permission]]:
    """The groups of a domain, as the proxies in front of Dagster know them too."""
    return {f"{domain}-viewers": _VIEWER, f"{domain}-operators": ALL_PERMISSIONS}


class IssuerKeys:
    """The issuer's public keys by id. They are fetched when a token names one that is not known, and at most once a
    minute, so that made-up names cost the issuer nothing."""

    def __init__(self, issuer: str, *, transport: Any = None, now: Callable[[], float] = time.monotonic) -> None:
        _refuse_unencrypted(issuer)
        self._issuer, self._transport, self._now = issuer, transport, now
        self._keys: dict[str, Any] = {}
        self._fetched_at: float | None = None
        self._turn = asyncio.Lock()

    async def key(self, key_id: str) -> Any:
        """None if the issuer has no such key."""
        async with self._turn:
            age = None if self._fetched_at is None else self._now() - self._fetched_at
            is_old = age is None or age > _KEYS_KEPT_SECONDS
            if is_old or (key_id not in self._keys and age is not None and age > _BETWEEN_LOOKS_SECONDS):
                self._keys = await self._fetch()
                self._fetched_at = self._now()
        return self._keys.get(key_id)

    async def _fetch(self) -> dict[str, Any]:
        import httpx2
        from jwt import PyJWKSet
        from jwt.exceptions import PyJWTError

        async with httpx2.AsyncClient(timeout=10, transport=self._transport, trust_env=False) as client:
            try:
                described = await client.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                address = described.raise_for_status().json()["jwks_uri"]
                _refuse_unencrypted(address)
                found = (await client.get(address)).raise_for_status().json()
                return {key.key_id: key for key in PyJWKSet.from_dict(found).keys if key.key_id}
            except (httpx2.HTTPError, PyJWTError, ValueError, KeyError, TypeError) as error:
                raise IssuerUnavailable(
                    f"the keys of the identity provider {self._issuer} can't be fetched ({type(error).__name__})"
                ) from error


class Tokens(LoginMethod):
    def __init__(self, issuer: TokenIssuer, keys: IssuerKeys) -> None:
        self._issuer, self._keys = issuer, keys

    async def caller(self, request: Request) -> ApiCaller | None:
        token = bearer_of(request)
        if token is None or token.count(".") != 2:
            return None
        claims = await self._claims(token)
        groups = claims.get("groups")
        names = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
        permissions = frozenset[Permission]().union(*(self._issuer.groups.get(name, frozenset()) for name in names))
        if not permissions:
            raise HttpProblem(
                HTTPStatus.FORBIDDEN,
                "not-a-member",
                f"this login is in none of the groups that may use the service: {', '.join(self._issuer.groups)}",
            )
        # The subject is what the issuer calls a person for ever; a name or an address would be personal data in logs.
        acts_for = claims.get("acts_for")
        return ApiCaller(
            f"token:{claims['sub']}",
            f"login {claims['sub']}"[:80],
            permissions,
            LoginKind.TOKEN,
            acts_for=acts_for if isinstance(acts_for, str) else None,
        )

    async def _claims(self, token: str) -> dict[str, Any]:
        import jwt
        from jwt.exceptions import ExpiredSignatureError, PyJWTError

        try:
            if len(token) > _LONGEST:
                raise jwt.DecodeError("too long")
            header = jwt.get_unverified_header(token)
            key = await self._keys.key(str(header.get("kid")))
            if key is None or header.get("alg") not in _ALGORITHMS:
                raise jwt.InvalidKeyError("unknown key or algorithm")
            found: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._issuer.audience,
                issuer=self._issuer.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except ExpiredSignatureError:
            raise unauthorized("the token has ended: log in again") from None
        except PyJWTError:
            raise unauthorized("the token is not valid here: log in again") from None
        return found


def _refuse_unencrypted(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigurationError(f"the identity provider's address {address!r} is not encrypted: it begins with https")
