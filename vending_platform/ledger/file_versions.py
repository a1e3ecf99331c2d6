"""The versions of files that the ledger holds, read at once and looked up many times."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property, reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.ledger.conditions import paths_between
from vending_platform.ledger.delivered import Delivered
from vending_platform.ledger.files import FILES, FILES_SCHEMA, FileState, FileVersion
from vending_platform.warehouse import Reader, literal, values_of

_AS_DELIVERED = ("size", "etag", "modified_at", "sender", "business_date")
"""What a store and the name give of a file."""
_BETWEEN = "\0"
"""Between a source and a path: no path can hold it."""
_MOMENT = pa.timestamp("us", "UTC")
_EPOCH = datetime.fromtimestamp(0, UTC)
"""From which Arrow counts."""


class FileVersions:
    """What the ledger held when it was read. These are hundreds of thousands of versions: they are searched by columns,
    and become objects only where they are needed."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def about(self, paths: Iterable[str]) -> "FileVersions":
        """What it holds of these paths."""
        return FileVersions(self._table.filter(_is_among(self._table["path"], paths)))

    def after(self, noted: pa.Table) -> "FileVersions":
        """As it will be when these versions are noted."""
        others = self._table.filter(pc.invert(pc.is_in(self._table["file_id"], noted["file_id"])))
        return FileVersions(pa.concat_tables([others, noted.cast(FILES_SCHEMA)]))

    def changed(self, delivered: Sequence[Delivered]) -> list[Delivered]:
        """Those of these files that are not as they were when their current version was read, as far as the store
        shows, or whose name has another meaning now."""
        delivered_as, known = _as_delivered(delivered), self._known
        rows = pc.index_in(_keys_of(delivered), value_set=_keys(known))
        same = [_are_same(delivered_as[name], known[name].take(rows)) for name in _AS_DELIVERED]
        unchanged = reduce(pc.and_, same).to_pylist()
        return [one for one, is_same in zip(delivered, unchanged, strict=True) if not is_same]

    def current(self, source: str, path: str) -> FileVersion | None:
        row = self._current.get((source, path))
        return None if row is None else self._version(row)

    def version(self, identity: str) -> FileVersion | None:
        row = self._by_id.get(identity)
        return None if row is None else self._version(row)

    def versions(self, source: str, path: str) -> list[FileVersion]:
        """Every version of one path."""
        return [self._version(row) for row in self._rows.get((source, path), ())]

    def current_versions(
        self, without: Sequence[Delivered] = (), among: Iterable[str] | None = None
    ) -> Iterator[FileVersion]:
        """Every current version, by source and path, of what is not in `without`; only of paths in `among`."""
        chosen = pc.and_(_is_current(self._table), pc.invert(pc.is_in(_keys(self._table), _keys_of(without))))
        if among is not None:
            chosen = pc.and_(chosen, _is_among(self._table["path"], among))
        return _versions(self._table.filter(chosen).sort_by([("source", "ascending"), ("path", "ascending")]))

    def with_content(self, hashes: Iterable[str]) -> Iterator[FileVersion]:
        """Every current version that has one of these contents and whose rows are in `raw`."""
        chosen = pc.and_(_is_current(self._table), self._table["in_raw"])
        return _versions(self._table.filter(pc.and_(chosen, _is_among(self._table["sha256"], hashes))))

    def of_source(self, source: str) -> Iterator[FileVersion]:
        """Every version, current or not, of one source."""
        return _versions(self._table.filter(pc.equal(self._table["source"], source)))

    def not_wholly_accepted(self, sha256: str) -> Iterator[FileVersion]:
        """Every version with this content of which some row, or all of it, is in quarantine."""
        yield from self._broken.get(sha256, ())

    def has_usable(self, source: str) -> bool:
        """Whether a file of the source that is there can be used."""
        is_its = pc.and_(pc.equal(self._table["source"], source), pc.equal(self._table["state"], FileState.LOADED))
        return bool(pc.any(is_its).as_py())

    @cached_property
    def _known(self) -> pa.Table:
        """The versions whose files need not be read again as long as the store and their names stay the same."""
        is_there = _is_among(self._table["state"], [FileState.LOADED, FileState.QUARANTINED])
        counts = pc.or_(self._table["in_raw"], pc.is_valid(self._table["reason"]))
        return self._table.select(["source", "path", *_AS_DELIVERED]).filter(pc.and_(is_there, counts))

    @cached_property
    def _current(self) -> dict[tuple[str, str], int]:
        is_current = _is_current(self._table).to_pylist()
        return {key: row for row, key in enumerate(self._sources_and_paths) if is_current[row]}

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {identity: row for row, identity in enumerate(self._table["file_id"].to_pylist())}

    @cached_property
    def _rows(self) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(self._sources_and_paths):
            found.setdefault(key, []).append(row)
        return found

    @cached_property
    def _sources_and_paths(self) -> list[tuple[str, str]]:
        return list(zip(self._table["source"].to_pylist(), self._table["path"].to_pylist(), strict=True))

    @cached_property
    def _broken(self) -> dict[str, list[FileVersion]]:
        found: dict[str, list[FileVersion]] = {}
        is_broken = pc.or_(pc.is_valid(self._table["reason"]), pc.greater(self._table["rows_rejected"], 0))
        for version in _versions(self._table.filter(is_broken)):
            found.setdefault(version.sha256, []).append(version)
        return found

    @cached_property
    def _columns(self) -> list[list[Any]]:
        return _columns(self._table)

    def _version(self, row: int) -> FileVersion:
        return FileVersion(*(column[row] for column in self._columns))


def _is_current(table: pa.Table) -> pa.ChunkedArray:
    return pc.not_equal(table["state"], FileState.SUPERSEDED)


def _is_among(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array(list(values), pa.string()))


def _are_same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Value by value; nothing equals nothing."""
    return pc.or_(pc.fill_null(pc.equal(one, other), False), pc.and_(pc.is_null(one), pc.is_null(other)))


def _keys(table: pa.Table) -> pa.ChunkedArray:
    """Of each row its source and path, as one text."""
    return pc.binary_join_element_wise(table["source"], table["path"], _BETWEEN)


def _keys_of(delivered: Sequence[Delivered]) -> pa.Array:
    return pa.array([f"{d.source.name}{_BETWEEN}{d.file.path}" for d in delivered], pa.string())


def _as_delivered(delivered: Sequence[Delivered]) -> pa.Table:
    """What the store and the names give of these files, as columns of the ledger."""
    # Arrow takes a hundred times as long for moments that name their zone, and Python ten times to leave it out.
    since_the_beginning = [d.file.modified_at - _EPOCH for d in delivered]
    return pa.table(
        {
            "size": pa.array([d.file.size for d in delivered], pa.int64()),
            "etag": pa.array([d.file.etag for d in delivered], pa.string()),
            "modified_at": pa.array(since_the_beginning, pa.duration("us")).cast(pa.int64()).cast(_MOMENT),
            "sender": pa.array([d.parts.sender for d in delivered], pa.string()),
            "business_date": pa.array([d.parts.business_date for d in delivered], pa.date32()),
        }
    )


def _versions(table: pa.Table) -> Iterator[FileVersion]:
    return map(FileVersion, *_columns(table))


def _columns(table: pa.Table) -> list[list[Any]]:
    """In the order of a version's fields."""
    columns = {name: values_of(table[name]) for name in FILES_SCHEMA.names}
    return list((columns | {"state": [FileState(state) for state in columns["state"]]}).values())


def read_file_versions(
    reader: Reader, stretch: tuple[str, str] | None = None, sources: Iterable[str] | None = None
) -> FileVersions:
    """The ledger; with a `stretch`, at least what it holds of the paths from the first to the last of these two; with
    `sources`, what it holds of these."""
    if not reader.has_table(FILES):
        return FileVersions(FILES_SCHEMA.empty_table())
    columns = ", ".join(FILES_SCHEMA.names)
    conditions = [] if stretch is None else [paths_between(*stretch)]
    if sources is not None:
        conditions.append(f"source in ({', '.join(map(literal, sorted(sources))) or 'null'})")
    where = f" where {' and '.join(conditions)}" if conditions else ""
    return FileVersions(reader.query(f"select {columns} from {FILES}{where}").cast(FILES_SCHEMA))
