"""Two small contracts, one master that names people and one daily file that mentions them, and a key."""

from typing import Any

from pydantic import SecretStr

from vending_platform.anonymising import Pseudonyms
from vending_platform.catalog import Catalog, Column, Source

KEY = "a key for tests, and for nothing else"
PSEUDONYMS = Pseudonyms(SecretStr(KEY))


def column(name: str, **said: Any) -> Column:
    return Column.model_validate({"name": name, "type": "text"} | said)


def staff(*columns: Column, **files: Any) -> Source:
    """Who there is: `id` and `name` are personal, `branch` is not, unless other columns are given."""
    own = (column("id", required=True, personal=True), column("name", personal=True), column("branch"))
    said = {"names": ["staff.csv", "staff_{yyyymmdd}.csv"], "delivery": "snapshot", "key": ["id"]}
    return _source("staff", columns or own, {"encodings": ["utf-8", "cp932"]} | said | files)


def visits(**files: Any) -> Source:
    own = (column("visit", required=True), column("staff", personal=True), column("note"))
    said = {
        "sender": {"name": "machine"},
        "names": ["visits_{machine}_{yyyymmdd}.csv"],
        "delivery": "daily",
        "key": ["visit"],
    }
    return _source("visits", own, {"encodings": ["utf-8", "cp932"]} | said | files)


def places(**files: Any) -> Source:
    """Nobody is in it."""
    own = (column("place", required=True), column("title"))
    said = {"names": ["places.csv"], "delivery": "snapshot", "key": ["place"]}
    return _source("places", own, {"encodings": ["utf-8", "cp932"]} | said | files)


def catalog() -> Catalog:
    return Catalog((staff(), visits(), places()))


def _source(name: str, columns: tuple[Column, ...], files: dict[str, Any]) -> Source:
    return Source.model_validate(
        {"name": name, "schema_name": "raw", "declared_in": "tests", "files": files, "columns": columns}
    )
