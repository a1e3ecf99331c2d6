"""Who may use the service in one environment, as its settings have it."""

import asyncio
from dataclasses import dataclass

from vending_platform import secrets
from vending_platform.environment import SERVICE_HOST_VARIABLE, Environment, SettingsError
from vending_platform.service.web import LOOPBACK, LoginMethod, Loopback, WebSettings
from vending_platform.service.web.api_keys import KeyRing, read_key_ring
from vending_platform.service.web.key_login import ApiKeys, KeyUse
from vending_platform.service.web.token_login import IssuerKeys, TokenIssuer, Tokens, groups_of


@dataclass(frozen=True)
class Access:
    """How an application is reached and by whom; `keys` where API keys are accepted."""

    settings: WebSettings
    keys: ApiKeys | None


def access_to(environment: Environment) -> Access:
    """A laptop needs no log-in and is reached from this machine only; anywhere else it takes keys, or tokens too."""
    if environment.aws is None:
        return Access(WebSettings([Loopback()]), None)
    service, target = environment.service, environment.aws
    if service.host is None:
        raise SettingsError(
            f"{environment.name} serves people under a name of its own: set {SERVICE_HOST_VARIABLE} to it, such as"
            " data.example.com"
        )
    logins: list[LoginMethod] = []
    keys = None
    if (name := target.secrets.api_keys) is not None:

        def read() -> KeyRing:
            return read_key_ring(secrets.fetch(target, name), f"the secret {name}")

        keys = ApiKeys(lambda: asyncio.to_thread(read), KeyUse(environment.domain, environment.name))
        logins.append(keys)
    if service.token_issuer is not None and service.token_audience is not None:
        issuer = TokenIssuer(service.token_issuer, service.token_audience, groups_of(environment.domain))
        logins.append(Tokens(issuer, IssuerKeys(service.token_issuer)))
    if not logins:
        raise SettingsError(
            f"{environment.name} would let no one in: it has neither a secret of API keys (secrets.api_keys in"
            " environments.yml) nor an identity provider"
        )
    return Access(WebSettings(logins, hosts={service.host, *LOOPBACK}, is_encrypted=True), keys)
