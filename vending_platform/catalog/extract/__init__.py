"""What a contract can declare about where its files come from: a system, and how what it holds is extracted.

A new kind of system is a subclass of `Extract`, and a line in `KINDS` with the key that names the system.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from vending_platform.catalog.extract.api import ExtractApi
from vending_platform.catalog.extract.declared import Extract, SystemName
from vending_platform.catalog.extract.items import EXPORTS_FOLDER, ExtractItems
from vending_platform.catalog.extract.tables import ExtractTable

KINDS: Mapping[str, type[Extract]] = {"database": ExtractTable, "dynamodb": ExtractItems, "api": ExtractApi}
"""By the key that only this kind has."""


def _kind(declared: Any) -> str | None:
    """The first of the keys above that is there; None if none is."""
    keys = declared if isinstance(declared, dict) else type(declared).model_fields
    return next((key for key in KINDS if key in keys), None)


AnyExtract = Annotated[
    Annotated[ExtractTable, Tag("database")]
    | Annotated[ExtractItems, Tag("dynamodb")]
    | Annotated[ExtractApi, Tag("api")],
    Discriminator(
        _kind,
        custom_error_type="no_system",
        custom_error_message=f"it names no system to extract from: one of the keys {', '.join(KINDS)} is missing",
    ),
]

__all__ = [
    "EXPORTS_FOLDER",
    "KINDS",
    "AnyExtract",
    "Extract",
    "ExtractApi",
    "ExtractItems",
    "ExtractTable",
    "SystemName",
]
