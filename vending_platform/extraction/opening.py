"""Which system a source comes from, and how it is opened."""

from collections.abc import Iterable

from vending_platform.catalog import Source
from vending_platform.environment import DatabaseSettings, Environment
from vending_platform.extraction import mysql
from vending_platform.extraction.interface import ExtractionError, System


def by_database(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """The sources that are extracted, by the database that each comes from."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        if source.extract is not None:
            found.setdefault(source.extract.database, []).append(source)
    return found


def system_of(environment: Environment, database: str) -> System:
    """The database of this name, as the environment declares it."""
    return mysql.system(database, _settings(environment, database), environment.aws)


def proposed(environment: Environment, database: str) -> str:
    """First contracts for the tables of a database, as YAML for a person."""
    return mysql.proposed(database, _settings(environment, database), environment.aws)


def _settings(environment: Environment, database: str) -> DatabaseSettings:
    settings = environment.databases.get(database)
    if settings is None:
        there_are = ", ".join(environment.databases) or "none"
        raise ExtractionError(
            f"no database {database!r} is declared for {environment.name} in environments.yml; there are: {there_are}"
        )
    return settings
