"""A person connects a service: to its page of consent and back, by authorization code and PKCE.

The way back is open to everyone who can make a browser open an address, so it has to prove three things: that it was
begun here, by someone who may (the state, kept in the work place, for one use), in the same browser (a cookie), and at
this service (its name is in the address). The verifier of PKCE is made of the cookie, so nothing secret is kept here.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from vending_platform.connections.connection import ServiceConnection
from vending_platform.connections.provider import GrantRefused
from vending_platform.errors import NotAllowed
from vending_platform.storage import Place

LASTS = timedelta(minutes=10)
"""From the beginning until a person has agreed."""
_PENDING = "connections/pending"


class ConsentFailed(NotAllowed):
    """The way back from a service can't be trusted, or brings no consent; nothing changed. `why` is one of
    `untrusted`, `declined` and `refused`."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True)
class BegunConsent:
    url: str
    """The service's page of consent, for the browser to open."""
    browser: SecretStr
    """A value that only this browser keeps, until it comes back."""


def begin(connection: ServiceConnection, work: Place, redirect: str, who: str) -> BegunConsent:
    _sweep(work)
    state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    pending = {
        "connection": connection.name,
        "browser": _digest(browser),
        "redirect": redirect,
        "who": who,
        "begun_at": datetime.now(UTC).isoformat("T", "seconds"),
    }
    work.write(_path(state), json.dumps(pending).encode())
    challenge = urlsafe_b64encode(hashlib.sha256(_verifier(browser, state).encode()).digest()).decode().rstrip("=")
    return BegunConsent(connection.provider.consent_url(redirect, state, challenge), SecretStr(browser))


def finish(
    connection: ServiceConnection, work: Place, *, state: str, browser: str, code: SecretStr | None, refusal: str | None
) -> None:
    """Connect with what the service sent along on the way back: a code, or the reason why there is none."""
    pending = _taken(work, state)
    is_same = pending is not None and (
        pending["connection"] == connection.name
        and hmac.compare_digest(pending["browser"], _digest(browser))
        and datetime.fromisoformat(pending["begun_at"]) + LASTS > datetime.now(UTC)
    )
    if pending is None or not is_same:
        raise ConsentFailed(
            "this way back was not begun in this browser, was used before, or took more than "
            f"{LASTS.total_seconds() / 60:.0f} minutes: connect {connection.name} once more",
            "untrusted",
        )
    if code is None:
        if refusal == "access_denied":
            raise ConsentFailed(f"{connection.name} was not connected: a person declined", "declined")
        raise ConsentFailed(f"{connection.name} was not connected: the service refused", "refused")
    try:
        verifier = SecretStr(_verifier(browser, state))
        granted = connection.provider.exchange(code, verifier, pending["redirect"])
    except GrantRefused:
        message = f"{connection.name} refused the code, which may be too old: connect it once more"
        raise ConsentFailed(message, "refused") from None
    connection.connect(granted, pending["who"])


def _taken(work: Place, state: str) -> dict[str, str] | None:
    """For one use."""
    try:
        content: dict[str, str] = json.loads(b"".join(work.read_path(_path(state))))
    except KeyError:
        return None
    work.delete(_path(state))
    return content


def _sweep(work: Place) -> None:
    """What people began and did not finish."""
    oldest = datetime.now(UTC) - LASTS
    for file in list(work.files(_PENDING)):
        if file.modified_at < oldest:
            work.delete(file.path)


def _path(state: str) -> str:
    return f"{_PENDING}/{_digest(state)}.json"


def _verifier(browser: str, state: str) -> str:
    made = hmac.digest(browser.encode(), b"pkce\0" + state.encode(), hashlib.sha256)
    return urlsafe_b64encode(made).decode().rstrip("=")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
