"""The connections that an environment declares, and what is wrong with them."""

from collections.abc import Callable
from pathlib import Path

from vending_platform.alerts import Finder, Problem, ProblemKind
from vending_platform.connections.connection import ServiceConnection, why_ended
from vending_platform.connections.model import ConsentEnd, Grant
from vending_platform.connections.provider import OAuthProvider
from vending_platform.connections.store import FileStore, GrantStore, SecretStore
from vending_platform.connections.turns import RenewalTurns
from vending_platform.environment import ConnectionSettings, Environment
from vending_platform.errors import ConfigurationError
from vending_platform.storage import Place

PAGE = "connections"
"""The page's address in the service."""
_ON_LAPTOP = "http://127.0.0.1:8000"


def page_of(environment: Environment) -> str:
    """Where people connect services."""
    host = environment.service.host
    return f"{f'https://{host}' if host is not None else _ON_LAPTOP}/{PAGE}"


def open_connections(
    environment: Environment, work: Place, on_wait: Callable[[str], None] = lambda _: None
) -> dict[str, ServiceConnection]:
    """By name. Nothing is read or requested before one is used."""
    return {name: _opened(environment, name, work, on_wait) for name in environment.connections}


def open_connection(
    environment: Environment, name: str, work: Place, on_wait: Callable[[str], None] = lambda _: None
) -> ServiceConnection:
    if name not in environment.connections:
        there_are = ", ".join(environment.connections) or "none"
        raise ConfigurationError(
            f"no connection {name!r} is declared for {environment.name} in environments.yml; there are: {there_are}"
        )
    return _opened(environment, name, work, on_wait)


def connection_finder(environment: Environment) -> Finder:
    """Finds connections that ended although no one disconnected them."""

    def find() -> list[Problem]:
        kept = {name: _store(environment, settings).read() for name, settings in environment.connections.items()}
        return [
            _problem(name, grant, page_of(environment))
            for name, grant in kept.items()
            if grant is not None and grant.ended not in (None, ConsentEnd.DISCONNECTED)
        ]

    return Finder("the connections to services", frozenset({ProblemKind.CONNECTION}), find)


def _opened(environment: Environment, name: str, work: Place, on_wait: Callable[[str], None]) -> ServiceConnection:
    settings = environment.connections[name]
    lock = Path(settings.token_file).with_suffix(".lock") if settings.token_file is not None else None
    return ServiceConnection(
        name=name,
        provider=OAuthProvider(name, settings, environment.aws),
        store=_store(environment, settings),
        turns=RenewalTurns(name, work, lock, on_wait),
        page=page_of(environment),
    )


def _store(environment: Environment, settings: ConnectionSettings) -> GrantStore:
    if settings.token_file is not None:
        return FileStore(Path(settings.token_file))
    assert environment.aws is not None, "environments.yml lets no environment without AWS keep tokens in a secret"
    return SecretStore(environment.aws, str(settings.token_secret))


def _problem(name: str, grant: Grant, page: str) -> Problem:
    return Problem(
        ProblemKind.CONNECTION,
        name,
        what=f"{name} is no longer connected",
        where=f"connection {name}",
        why=why_ended(grant),
        what_to_do="Connect it again on the page below. Until then nothing is extracted from it; the next extraction"
        " after that delivers the days that are missing.",
        link=page,
        since=grant.ended_at,
    )
