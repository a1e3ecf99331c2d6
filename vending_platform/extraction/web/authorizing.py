"""How requests prove who makes them: an `httpx2.Auth` for each kind that environments.yml can declare."""

import stat
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from pydantic import SecretStr

from vending_platform import secrets
from vending_platform.environment import ApiAuth, ApiSettings, AwsTarget
from vending_platform.extraction.interface import ExtractionError

_ONLY_OWNER = 0o077


def auth_of(settings: ApiSettings, aws: AwsTarget | None) -> httpx2.Auth | None:
    """None if requests need no proof."""
    match settings.auth:
        case ApiAuth.NONE | ApiAuth.OAUTH:  # the latter has a `connections.auth.ConnectionAuth`
            return None
        case ApiAuth.KEY:
            assert settings.secret is not None, "environments.yml was checked for that"
            assert settings.sent_as is not None, "environments.yml was checked for that"
            where, _, name = settings.sent_as.partition(" ")
            return _WithKey(_secret(settings.secret, aws), name, in_header=where == "header")


@dataclass(frozen=True)
class _WithKey(httpx2.Auth):
    """A key in every request; printing it shows none."""

    key: SecretStr
    name: str
    in_header: bool

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if self.in_header:
            request.headers[self.name] = self.key.get_secret_value()
        else:
            request.url = request.url.copy_merge_params({self.name: self.key.get_secret_value()})
        yield request


def _secret(name: str, aws: AwsTarget | None) -> SecretStr:
    """From AWS Secrets Manager; on a laptop from a file that only its owner may read."""
    if aws is not None:
        text = secrets.fetch(aws, name).get_secret_value().strip()
    else:
        try:
            if stat.S_IMODE(Path(name).stat().st_mode) & _ONLY_OWNER:
                raise ExtractionError(f"others than you may read the key in {name}: chmod 600 {name}")
            text = Path(name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise ExtractionError(f"there is no key: write it into {name}, which only you may read") from None
    if not text or not text.isprintable() or not text.isascii():
        raise ExtractionError(f"the key in {name} can't be used: it must be one line of ASCII")
    return SecretStr(text)
