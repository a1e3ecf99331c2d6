"""A person who connects a service, without a browser; and connections to a payment processor on this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from pydantic import SecretStr

from vending_platform.connections import ServiceConnection, begin, finish
from vending_platform.connections.provider import OAuthProvider
from vending_platform.connections.store import FileStore, GrantStore
from vending_platform.connections.turns import RenewalTurns
from vending_platform.environment import AwsTarget, ConnectionSettings
from vending_platform.environment.connections import TokenStore
from vending_platform.secrets import hide_details
from vending_platform.storage import LocalPlace, Place
from vending_platform_tests.emulators.payments import CLIENT, SCOPE, PaymentProcessor

REDIRECT = "http://127.0.0.1:8000/connections/payments/callback"
PAGE = "http://127.0.0.1:8000/connections"


@dataclass
class PassingTime:
    """Time that passes when someone sleeps, or when the test says so."""

    at: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.at += 10 * seconds

    @property
    def of_turns(self) -> dict[str, Any]:
        return {"now": lambda: self.at, "sleep": self.sleep}


def settings_at(address: str, client_secret: str | None = None) -> ConnectionSettings:
    return ConnectionSettings(
        authorize=f"{address}/oauth/authorize",
        token=f"{address}/oauth/token",
        revoke=f"{address}/oauth/revoke",
        client=CLIENT,
        client_secret=client_secret,
        scopes=(SCOPE,),
        tokens=TokenStore(by="file", at="unused"),
    )


def connection_at(
    address: str,
    folder: Path,
    *,
    store: GrantStore | None = None,
    work: Place | None = None,
    aws: AwsTarget | None = None,
    client_secret: str | None = None,
    time: "PassingTime | None" = None,
) -> ServiceConnection:
    """As a process of its own would open it: a laptop's, or with `store` and `work` one in the cloud."""
    return ServiceConnection(
        name="payments",
        provider=OAuthProvider("payments", settings_at(address, client_secret), aws),
        store=store or FileStore(folder / "payments.json"),
        turns=RenewalTurns(
            "payments",
            work or LocalPlace(folder / "work"),
            folder / "payments.lock" if work is None else None,
            **(time.of_turns if time is not None else {}),
        ),
        page=PAGE,
    )


def agree(url: str, answer: str = "allow") -> dict[str, str]:
    """What comes back from the page of consent, after a person has chosen."""
    hide_details("httpx2", "httpcore2.http11")  # a browser is not the platform, and logs what it likes
    with httpx2.Client(trust_env=False) as browser:
        page = browser.get(url).raise_for_status().text
        request = page.partition('name="request" value="')[2].partition('"')[0]
        form = {"request": request, "answer": answer}
        target = urlsplit(url)
        back = browser.post(f"{target.scheme}://{target.netloc}/oauth/decide", data=form).headers["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def connect(connection: ServiceConnection, work: Place, who: str = "this machine") -> None:
    begun = begin(connection, work, REDIRECT, who)
    back = agree(begun.url)
    browser = begun.browser.get_secret_value()
    finish(connection, work, state=back["state"], browser=browser, code=SecretStr(back["code"]), refusal=None)


def connected(processor: PaymentProcessor, folder: Path) -> ServiceConnection:
    connection = connection_at(processor.address, folder)
    connect(connection, LocalPlace(folder / "work"))
    return connection
