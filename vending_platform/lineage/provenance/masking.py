"""What of an answer is about a person, and so is hidden."""

from collections.abc import Iterable, Mapping
from typing import Any

from vending_platform.catalog import Catalog
from vending_platform.quality import is_personal

HIDDEN = "***"


def personal_of(catalog: Catalog) -> frozenset[str]:
    """The names of all columns that the project marks as personal, of sources and of models."""
    of_sources = {column.name for source in catalog for column in source.columns if column.personal}
    return frozenset(of_sources.union(*(model.personal for model in catalog.models)))


def is_hidden(column: str, personal: frozenset[str]) -> bool:
    return is_personal(column.lower(), personal)


def without_persons(rows: Iterable[Mapping[str, Any]], personal: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {name: HIDDEN if value is not None and is_hidden(name, personal) else value for name, value in row.items()}
        for row in rows
    ]
