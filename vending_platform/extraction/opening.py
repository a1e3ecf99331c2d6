"""Which system a source comes from, and how it is extracted."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from vending_platform.catalog import Source, SystemName
from vending_platform.connections import open_connection
from vending_platform.environment import ApiAuth, Environment
from vending_platform.extraction import dynamodb, mysql, web
from vending_platform.extraction.interface import ExtractionError, Extractor
from vending_platform.extraction.running import extract

Settings = TypeVar("Settings")


def by_system(sources: Iterable[Source]) -> dict[SystemName, list[Source]]:
    """The sources that are extracted, by the system that each comes from."""
    found: dict[SystemName, list[Source]] = {}
    for source in sources:
        if source.extract is not None:
            found.setdefault(source.extract.system, []).append(source)
    return found


def extractor_of(environment: Environment, system: SystemName, declared: Sequence[Source]) -> Extractor:
    """For the system of this name, as the environment declares it. `declared` are all sources that come from it."""
    match system.kind:
        case "database":
            settings = _declared(environment, environment.databases, "database", system.name)
            return partial(extract, mysql.system(system.name, settings, environment.aws))
        case "dynamodb":
            return partial(dynamodb.extract, _item_table(environment, system.name), declared=declared)
        case "api":
            api = _declared(environment, environment.apis, "API", system.name)
            connection = partial(open_connection, environment, system.name) if api.auth is ApiAuth.OAUTH else None
            return web.extractor(system.name, api, environment.aws, connection)
        case kind:
            raise ExtractionError(f"{system.name!r} is a {kind}, and there is no extraction of that kind")


def proposed(environment: Environment, database: str) -> str:
    """First contracts for the tables of a database, as YAML for a person."""
    settings = _declared(environment, environment.databases, "database", database)
    return mysql.proposed(database, settings, environment.aws)


def _item_table(environment: Environment, name: str) -> dynamodb.ItemTable:
    settings = _declared(environment, environment.dynamodb, "DynamoDB table", name)
    return dynamodb.item_table(
        name, settings, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key
    )


def _declared(environment: Environment, declared: Mapping[str, Settings], kind: str, name: str) -> Settings:
    if name in declared:
        return declared[name]
    there_are = ", ".join(declared) or "none"
    raise ExtractionError(
        f"no {kind} {name!r} is declared for {environment.name} in environments.yml; there are: {there_are}"
    )
