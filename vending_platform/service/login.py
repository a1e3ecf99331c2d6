"""Who may use the service in one environment, as its settings have it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from vending_platform import secrets
from vending_platform.environment import SERVICE_HOST_VARIABLE, Environment, SettingsError
from vending_platform.service.web import (
    ALL_PERMISSIONS,
    LOOPBACK,
    LoginMethod,
    Loopback,
    Permission,
    RequestLimits,
    WebSettings,
)
from vending_platform.service.web.api_keys import KeyRing, read_key_ring
from vending_platform.service.web.key_login import ApiKeys, KeyUse
from vending_platform.service.web.token_login import IssuerKeys, TokenIssuer, Tokens, groups_of


@dataclass(frozen=True)
class Access:
    """How an application is reached and by whom; `keys` where API keys are accepted."""

    settings: WebSettings
    keys: ApiKeys | None


@dataclass(frozen=True)
class ServiceEntrance:
    """Where an application of its own differs from the pipeline."""

    keys_secret: str | None
    groups: Mapping[str, frozenset[Permission]]
    """What the identity provider's groups may do."""
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    """What everyone may do on a laptop."""
    limits: RequestLimits = field(default_factory=RequestLimits)


def pipeline_entrance(environment: Environment) -> ServiceEntrance:
    keys = environment.aws.secrets.api_keys if environment.aws is not None else None
    return ServiceEntrance(keys, groups_of(environment.domain))


def access_to(environment: Environment, entrance: ServiceEntrance | None = None) -> Access:
    """A laptop needs no log-in and is reached from this machine only; anywhere else it takes keys, or tokens too."""
    entrance = entrance or pipeline_entrance(environment)
    if environment.aws is None:
        return Access(WebSettings([Loopback(entrance.permissions)], limits=entrance.limits), None)
    service, target = environment.service, environment.aws
    if service.host is None:
        raise SettingsError(
            f"{environment.name} serves people under a name of its own: set {SERVICE_HOST_VARIABLE} to it, such as"
            " data.example.com"
        )
    logins: list[LoginMethod] = []
    keys = None
    if (name := entrance.keys_secret) is not None:

        def read() -> KeyRing:
            return read_key_ring(secrets.fetch(target, name), f"the secret {name}")

        keys = ApiKeys(lambda: asyncio.to_thread(read), KeyUse(environment.domain, environment.name))
        logins.append(keys)
    if service.token_issuer is not None and service.token_audience is not None:
        issuer = TokenIssuer(service.token_issuer, service.token_audience, entrance.groups)
        logins.append(Tokens(issuer, IssuerKeys(service.token_issuer)))
    if not logins:
        raise SettingsError(
            f"{environment.name} would let no one in: it has neither a secret of API keys (secrets.api_keys in"
            " environments.yml) nor an identity provider"
        )
    settings = WebSettings(logins, hosts={service.host, *LOOPBACK}, is_encrypted=True, limits=entrance.limits)
    return Access(settings, keys)
