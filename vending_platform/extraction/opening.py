"""Which system a source comes from, and how it is extracted."""

from collections.abc import Iterable
from functools import partial

from vending_platform.catalog import Source, SystemName
from vending_platform.environment import ApiSettings, DatabaseSettings, Environment
from vending_platform.extraction import mysql, web
from vending_platform.extraction.interface import ExtractionError, Extractor
from vending_platform.extraction.running import extract


def by_system(sources: Iterable[Source]) -> dict[SystemName, list[Source]]:
    """The sources that are extracted, by the system that each comes from."""
    found: dict[SystemName, list[Source]] = {}
    for source in sources:
        if source.extract is not None:
            found.setdefault(source.extract.system, []).append(source)
    return found


def extractor_of(environment: Environment, system: SystemName) -> Extractor:
    """For the system of this name, as the environment declares it."""
    match system.kind:
        case "database":
            settings = _database(environment, system.name)
            return partial(extract, mysql.system(system.name, settings, environment.aws))
        case "api":
            return web.extractor(system.name, _api(environment, system.name), environment.aws)
        case kind:
            raise ExtractionError(f"{system.name!r} is a {kind}, and there is no extraction of that kind")


def proposed(environment: Environment, database: str) -> str:
    """First contracts for the tables of a database, as YAML for a person."""
    return mysql.proposed(database, _database(environment, database), environment.aws)


def _api(environment: Environment, name: str) -> ApiSettings:
    settings = environment.apis.get(name)
    if settings is None:
        there_are = ", ".join(environment.apis) or "none"
        raise ExtractionError(
            f"no API {name!r} is declared for {environment.name} in environments.yml; there are: {there_are}"
        )
    return settings


def _database(environment: Environment, name: str) -> DatabaseSettings:
    settings = environment.databases.get(name)
    if settings is None:
        there_are = ", ".join(environment.databases) or "none"
        raise ExtractionError(
            f"no database {name!r} is declared for {environment.name} in environments.yml; there are: {there_are}"
        )
    return settings
