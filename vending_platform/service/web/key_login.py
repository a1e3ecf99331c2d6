"""Log-in by an API key, and the sessions of browsers that began with one.

A session is a signed cookie: it has the id of its key, so it ends when the key does, and a value of which the token is
made that a page has to send with every change (a page of another site can send the cookie, but can't read the token).
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from fastapi import Request, Response

from vending_platform.service.web.api_keys import KeyRecord, KeyRing, looks_like_key, record_of, utc_now
from vending_platform.service.web.callers import ApiCaller, LoginKind, LoginMethod, bearer_of, unauthorized
from vending_platform.service.web.last_known import LastKnown
from vending_platform.service.web.problems import HttpProblem
from vending_platform.service.web.protecting import SAFE_METHODS

SESSION_COOKIE = "__Host-vending-session"
"""Browsers accept a cookie of such a name from this host alone, encrypted, for all of its addresses."""
CSRF_HEADER = "X-CSRF-Token"
_LASTS = timedelta(hours=10)
_KEYS_FRESH, _KEYS_USABLE = 30.0, 60.0
"""Seconds; a key that is revoked is refused after the second at the latest."""


@dataclass(frozen=True)
class KeyUse:
    """For whom keys are accepted here."""

    domain: str
    environment: str


class ApiKeys(LoginMethod):
    def __init__(
        self, read: Callable[[], Awaitable[KeyRing]], use: KeyUse, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._ring = LastKnown(read, fresh_seconds=_KEYS_FRESH, usable_seconds=_KEYS_USABLE)
        self._use, self._now = use, now

    async def caller(self, request: Request) -> ApiCaller | None:
        if (sent := bearer_of(request)) is not None:
            return (await self._record(sent)).caller if looks_like_key(sent) else None
        if (cookie := request.cookies.get(SESSION_COOKIE)) is not None:
            return await self._session(cookie, request)
        return None

    async def begin_session(self, request: Request, response: Response) -> ApiCaller:
        """For a key in the header `Authorization`: a cookie in the response."""
        sent = bearer_of(request)
        if sent is None or not looks_like_key(sent):
            raise unauthorized("a session begins with an API key: send it as `Authorization: Bearer KEY`")
        record, ring = await self._record(sent), await self._ring.get()
        ends = min(self._now() + _LASTS, record.expires_at)
        content = {"key": record.id, "ends": ends.timestamp(), "nonce": secrets.token_urlsafe(16)}
        payload = urlsafe_b64encode(json.dumps(content).encode()).decode()
        response.set_cookie(
            SESSION_COOKIE,
            f"{payload}.{_signature(ring, 'session', payload)}",
            max_age=int((ends - self._now()).total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="strict",
        )
        return _in_session(record, ring, content["nonce"])

    async def _record(self, key: str) -> KeyRecord:
        record = record_of(key, await self._ring.get())
        if record is None or record.revoked:
            raise unauthorized("the API key is not valid here: ask for a new one")
        if not record.is_usable(self._now()):
            raise unauthorized(f"the API key ended on {record.expires_at:%Y-%m-%d}: ask for a new one")
        if (record.domain, record.environment) != (self._use.domain, self._use.environment):
            raise HttpProblem(
                HTTPStatus.FORBIDDEN,
                "other-domain",
                f"the API key is for {record.domain} in {record.environment}, and this is {self._use.domain} in"
                f" {self._use.environment}",
            )
        return record

    async def _session(self, cookie: str, request: Request) -> ApiCaller:
        ring = await self._ring.get()
        payload, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), _signature(ring, "session", payload).encode()):
            raise unauthorized("the session is not valid: log in again")
        content = json.loads(urlsafe_b64decode(payload))
        record = ring.record(content["key"])
        if record is None or not record.is_usable(self._now()) or self._now().timestamp() >= content["ends"]:
            raise unauthorized("the session has ended: log in again")
        caller = _in_session(record, ring, content["nonce"])
        if request.method not in SAFE_METHODS:
            sent = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(sent.encode(), str(caller.csrf_token).encode()):
                raise HttpProblem(
                    HTTPStatus.FORBIDDEN,
                    "csrf",
                    f"a change from a browser's session needs the header {CSRF_HEADER}: its value is in /api/me",
                )
        return caller


def end_session(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def _in_session(record: KeyRecord, ring: KeyRing, nonce: object) -> ApiCaller:
    token = _signature(ring, "csrf", str(nonce))
    return replace(record.caller, login=LoginKind.SESSION, csrf_token=token)


def _signature(ring: KeyRing, purpose: str, text: str) -> str:
    key = ring.session_key.get_secret_value().encode()
    return hmac.new(key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()
