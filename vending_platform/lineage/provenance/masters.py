"""Which versions of masters, and which of their lines, rows rest on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vending_platform.catalog import Days, Source
from vending_platform.ledger import MasterVersion, read_versions, valid_between
from vending_platform.lineage.provenance.conditions import NEVER, listed
from vending_platform.lineage.provenance.source_rows import Wanted, joined
from vending_platform.warehouse import Reader, TableName, literal, quoted

Versions = dict[str, int | None]
"""By the file how many of its lines; None where that is not known."""


def master_lines(
    reader: Reader, masters: Sequence[Source], wanted: Mapping[str, Sequence[Wanted]], keys: Mapping[str, set[Any]]
) -> Iterator[tuple[Source, Versions, str | None]]:
    """Of each master the versions and the condition for their lines; `keys` are those that deliveries mention. What a
    line refers to, also in its own master, is behind it too."""
    mentioned = {name: set(values) for name, values in keys.items()}
    days = {source.name: joined(span for one in wanted[source.name] for span in one.days) for source in masters}
    for source in masters:
        if (named := _keys_named(source, wanted[source.name])) is not None:
            mentioned.setdefault(source.name, set()).update(named)
    found: dict[str, tuple[Versions, str | None]] = {}
    known: dict[str, int] | None = None
    while known != (known := {name: len(values) for name, values in mentioned.items()}):
        for source in masters:
            found[source.name] = _versions(reader, source, days[source.name], mentioned.get(source.name))
            for name, values in references(reader, source, found[source.name][1]):
                mentioned.setdefault(name, set()).update(values)
    for source in masters:
        versions, condition = found[source.name]
        yield source, versions, condition


def references(reader: Reader, source: Source, condition: str | None) -> Iterator[tuple[str, set[Any]]]:
    """Per column that refers to a master: which, and the keys that the lines mention."""
    if condition is None:
        return
    table = TableName(source.schema_name, source.name)
    for column in source.columns:
        if column.references is not None:
            name = quoted(column.name)
            found = reader.query(f"select distinct {name} as v from {table} where {condition} and {name} is not null")
            yield column.references, set(found["v"].to_pylist())


def _keys_named(source: Source, wanted: Iterable[Wanted]) -> set[Any] | None:
    """The keys that the rows in question name themselves; None if none does."""
    named = [one.values[key] for one in wanted for key in source.files.key[:1] if key in one.values]
    return {key for keys in named for key in keys} if named else None


def _versions(
    reader: Reader, source: Source, days: Iterable[Days], wanted: set[Any] | None
) -> tuple[Versions, str | None]:
    """Of a key it is the last version until the day that lists it, or the first one that ever does; of a master whose
    keys are not mentioned, the last one until the day."""
    versions = [version for version in read_versions(reader, [source.name]) if version.is_in_history]
    if wanted is None or len(source.files.key) != 1:
        return dict.fromkeys(_valid(versions, days), None), None
    if not wanted:
        return {}, NEVER
    table, column = TableName(source.schema_name, source.name), quoted(source.files.key[0])
    listing: dict[Any, set[str]] = {}
    found = reader.query(
        f"select distinct {column} as k, _file_id as f from {table} where {column} in ({listed(wanted)})"
    )
    for row in found.to_pylist():
        listing.setdefault(row["k"], set()).add(row["f"])
    chosen: dict[str, list[Any]] = {}
    for value, files in listing.items():
        for file_id in _valid([version for version in versions if version.file_id in files], days):
            chosen.setdefault(file_id, []).append(value)
    each = (f"(_file_id = {literal(file)} and {column} in ({listed(values)}))" for file, values in chosen.items())
    return {file: len(values) for file, values in chosen.items()}, f"({' or '.join(each) or NEVER})"


def _valid(versions: Sequence[MasterVersion], days: Iterable[Days]) -> list[str]:
    """Those that are valid on any of the days."""
    since = [version.version_day for version in versions]
    return list(dict.fromkeys(versions[one].file_id for span in days for one in valid_between(since, *span)))
