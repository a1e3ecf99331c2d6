"""Requests to a service's OAuth endpoints: the code for tokens, a refresh token for new ones, and giving them back.

No token is in an error, a log or an address: they are in bodies of requests and responses alone.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from vending_platform import secrets
from vending_platform.environment import AwsTarget, ConnectionSettings, is_encrypted
from vending_platform.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    import httpx2

REQUEST_SECONDS = 20.0
"""What a whole exchange can take. It is shorter than the turn that it happens in."""
_STEP_SECONDS = 5.0
"""To connect, to send, and for each piece of the answer."""
_BODY_SECONDS = 15.0
_LONGEST = 64 * 1024
_INVALID_GRANT = "invalid_grant"


class GrantRefused(Exception):
    """The service does not accept this code or refresh token (any more)."""


class ProviderRefused(ConfigurationError):
    """The service's OAuth endpoint refuses this client; the message has the reason in the words of OAuth."""


class ProviderUnavailable(Unavailable):
    """No usable answer. `is_unsure` is whether the service may have done all the same what was requested."""

    def __init__(self, message: str, *, is_unsure: bool) -> None:
        super().__init__(message)
        self.is_unsure = is_unsure


@dataclass(frozen=True)
class Granted:
    """What a service gives; printing it shows neither token."""

    access: SecretStr
    refresh: SecretStr | None
    lasts: timedelta | None
    """The access token, from the request on; None if the service does not say."""
    scopes: tuple[str, ...] | None
    """None where the service does not say: then it is what was requested, or what it was before."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)

    access_token: SecretStr = Field(min_length=1)
    refresh_token: SecretStr | None = None
    expires_in: float | None = Field(None, gt=0)
    scope: str | None = None


class _Failure(BaseModel):
    """What OAuth lets an answer say about an error; other text could hold anything."""

    error: str = Field("", pattern=r"^[a-z_]{1,64}$")


@dataclass(frozen=True)
class OAuthProvider:
    name: str
    settings: ConnectionSettings
    aws: AwsTarget | None = field(repr=False)

    def consent_url(self, redirect: str, state: str, challenge: str) -> str:
        """Where a person agrees, or not."""
        query = {
            "response_type": "code",
            "client_id": self.settings.client,
            "redirect_uri": redirect,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        separator = "&" if urlsplit(self.settings.authorize).query else "?"
        return f"{self.settings.authorize}{separator}{urlencode(query)}"

    def exchange(self, code: SecretStr, verifier: SecretStr, redirect: str) -> Granted:
        """GrantRefused if the code is not valid (any more)."""
        form = {
            "grant_type": SecretStr("authorization_code"),
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": SecretStr(redirect),
        }
        return self._granted(form)

    def refresh(self, token: SecretStr) -> Granted:
        """GrantRefused if the service does not accept the token (any more)."""
        return self._granted({"grant_type": SecretStr("refresh_token"), "refresh_token": token})

    def revoke(self, token: SecretStr) -> bool:
        """Whether the service confirmed it; one without such an endpoint can't."""
        if self.settings.revoke is None:
            return False
        form = {"token": token}
        status, body = self._post(self.settings.revoke, form)
        if status != 200:
            raise self._problem(status, body)
        return True

    def _granted(self, form: dict[str, SecretStr]) -> Granted:
        status, body = self._post(self.settings.token, form)
        if status != 200:
            raise self._problem(status, body)
        try:
            answer = _Answer.model_validate_json(body.get_secret_value())
        except ValidationError:
            raise ProviderUnavailable(f"{self.name} answered, but not with tokens", is_unsure=True) from None
        return Granted(
            access=answer.access_token,
            refresh=answer.refresh_token,
            lasts=None if answer.expires_in is None else timedelta(seconds=answer.expires_in),
            scopes=tuple(answer.scope.split()) if answer.scope else None,
        )

    def _post(self, address: str, form: dict[str, SecretStr]) -> tuple[int, SecretStr]:
        import httpx2  # a quarter of a second, and few commands need it

        if not is_encrypted(address):
            raise ProviderRefused(f"tokens of {self.name} must not go to {address}, which is not encrypted")
        secrets.hide_details(*secrets.OF_HTTPX)
        ends = time.monotonic() + _BODY_SECONDS
        headers = {"Accept": "application/json"}
        own, auth = self._client_id()
        try:
            with (
                httpx2.Client(timeout=_STEP_SECONDS, follow_redirects=False, trust_env=False) as client,
                client.stream("POST", address, data=_plain(form | own), headers=headers, auth=auth) as response,
            ):
                return response.status_code, SecretStr(_read(response, ends).decode("utf-8", "replace"))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise self._unreachable(error, is_unsure=False) from None
        except (httpx2.HTTPError, _TooLong) as error:
            raise self._unreachable(error, is_unsure=True) from None

    def _client_id(self) -> tuple[dict[str, SecretStr], Any]:
        """A client with a secret shows both in a header, and one without names itself in the form."""
        settings = self.settings
        if settings.client_secret is None:
            return {"client_id": SecretStr(settings.client)}, None
        assert self.aws is not None, "environments.yml lets no environment without AWS have such a secret"
        import httpx2

        secret = secrets.fetch(self.aws, settings.client_secret)
        return {}, httpx2.BasicAuth(quote(settings.client, safe=""), quote(secret.get_secret_value().strip(), safe=""))

    def _problem(self, status: int, body: SecretStr) -> Exception:
        if status == 429:
            return ProviderUnavailable(f"{self.name} takes no more requests at the moment (429)", is_unsure=False)
        if status >= 500:
            return ProviderUnavailable(f"{self.name} answered with status {status}", is_unsure=True)
        try:
            why = _Failure.model_validate_json(body.get_secret_value()).error
        except ValidationError:
            why = ""
        if why == _INVALID_GRANT:
            return GrantRefused(self.name)
        return ProviderRefused(
            f"{self.name} refuses this client ({why or 'without a reason'}, status {status}): compare `client`,"
            f" `client_secret`, `scopes` and the addresses of connections.{self.name} in environments.yml with what"
            " is registered there"
        )

    def _unreachable(self, error: Exception, *, is_unsure: bool) -> ProviderUnavailable:
        host = urlsplit(self.settings.token).netloc
        return ProviderUnavailable(
            f"{self.name} gave no answer at {host} ({type(error).__name__})", is_unsure=is_unsure
        )


def _plain(form: Mapping[str, SecretStr]) -> dict[str, str]:
    """In no variable of ours: a traceback may show those."""
    return {name: value.get_secret_value() for name, value in form.items()}


class _TooLong(Exception):
    """An answer that is larger, or takes longer, than an answer with tokens."""


def _read(response: "httpx2.Response", ends: float) -> bytes:
    body = b""
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _LONGEST or time.monotonic() > ends:
            raise _TooLong
    return body
