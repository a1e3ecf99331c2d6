"""Which files, and which of their lines, rows of a model rest on. Too many rather than too few: what can't be told
from the row leaves a file in."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from vending_platform.catalog import Catalog, Days, Delivery, Model, Source
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.masters import MasterVersion, read_versions, valid_between
from vending_platform.tracing.asking import DAY, model_called, rows_meant
from vending_platform.transformation import stale
from vending_platform.warehouse import Reader, TableName, literal, quoted

_LEDGER = TableName("raw", "_files")
_MACHINE, _SLOT, _PRODUCT = "machine_id", "slot_no", "product_id"
_MOST_LINES = 10_000
_HIDDEN = "***"


@dataclass(frozen=True)
class Line:
    """A line of a file as it was read; what its contract calls personal is hidden."""

    number: int
    values: Mapping[str, str | None]


@dataclass(frozen=True)
class TracedFile:
    """A delivery. `delivered_at` is the store's own time; both moments are Japan's."""

    source: str
    path: str
    sha256: str
    delivered_at: datetime
    loaded_at: datetime
    machine: str | None
    business_date: date | None
    rows: int
    rows_rejected: int
    rows_behind: int | None
    """How many of its rows are behind the number; None where all of it is, as far as can be told."""
    lines: tuple[Line, ...] = ()
    quarantined_because: str | None = None
    """Then nothing of it is in the number."""


@dataclass(frozen=True)
class Trace:
    """Where rows of a model come from."""

    model: str
    rows: list[dict[str, Any]]
    files: list[TracedFile]
    missing: list[TracedFile]
    """In quarantine: what they hold is not in the number."""
    is_stale: bool
    """The rows were built from an earlier state of these files."""
    lines_left_out: int = 0
    """Lines beyond the ten thousand that are listed."""

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, default=str)


@dataclass(frozen=True)
class _Asked:
    """What the rows say of the lines behind them."""

    model: Model
    rows: list[dict[str, Any]]
    daily: tuple[str, ...]
    """The sources on whose rows it rests and of which a file is about a day."""
    values: dict[str, frozenset[Any]] = field(default_factory=dict)
    """Of each column the values; none for a column that some row leaves empty."""

    @classmethod
    def of(cls, model: Model, rows: pa.Table, sources: Iterable[Source]) -> "_Asked":
        columns = {name: rows[name].to_pylist() for name in rows.column_names}
        said = {name: frozenset(values) for name, values in columns.items() if None not in values}
        daily = tuple(source.name for source in sources if source.is_daily and source.name in model.sources)
        return cls(model, rows.to_pylist(), daily, said)

    def days(self, source: Source) -> list[Days]:
        """The stretches of the source's days that the rows rest on. Histories are tables of all versions, of which a
        row reads those that were valid on its own days and on those of its deliveries."""
        if DAY not in self.values:
            return [(date.min, date.max)]
        is_master = source.files.delivery is Delivery.SNAPSHOT and bool(self.daily)
        read = self.daily if is_master else (source.name,)
        spans = [self.model.raw_days(name, day, day) for name in read for day in self.values[DAY]]
        return _joined([*spans, *((day, day) for day in self.values[DAY])] if is_master else spans)

    def narrowed(self, source: Source) -> dict[str, frozenset[Any]]:
        """The source's columns that decide which of its lines are behind the rows. Of a slot all products are: what
        it held before is part of what it holds."""
        is_of_a_slot = {_MACHINE, _SLOT} <= self.values.keys()
        named = {*source.files.key, _MACHINE, _SLOT if is_of_a_slot else _PRODUCT, *_references(source)}
        has = {column.name for column in source.columns} - ({_PRODUCT} if is_of_a_slot else set())
        return {name: self.values[name] for name in sorted(named & has & self.values.keys())}


def trace(catalog: Catalog, reader: Reader, name: str, said: Mapping[str, str], *, with_lines: bool = False) -> Trace:
    """The files that these rows of a model rest on, with the lines if that is asked."""
    model = model_called(catalog, name)
    sources = [source for source in catalog if source.name in model.files_of]
    asked = _Asked.of(model, rows_meant(reader, model, said), sources)
    ledger = _ledger(reader, sources)
    found: list[TracedFile] = []
    missing: list[TracedFile] = []
    room = _MOST_LINES if with_lines else 0
    left_out = 0
    keys: dict[str, set[Any]] = {}
    for source in sorted(sources, key=lambda source: source.files.delivery is Delivery.SNAPSHOT):
        files = [file for file in ledger if file["source"] == source.name]
        if source.files.delivery is Delivery.SNAPSHOT:
            chosen, condition = _versions(reader, asked, source, keys)
        else:
            chosen, condition = _deliveries(reader, asked, source, files)
            missing += [_traced(file, None) for file in _in_question(asked, source, files) if not file["in_raw"]]
            for master, values in _referred(reader, source, condition):
                keys.setdefault(master, set()).update(values)
        lines: dict[str, list[Line]] = {}
        if with_lines and condition is not None:
            lines = _lines(reader, source, condition, room)
            listed = sum(map(len, lines.values()))
            room, left_out = room - listed, left_out + sum(n or 0 for n in chosen.values()) - listed
        found += [
            _traced(file, chosen[file["file_id"]], lines.get(file["file_id"], ()))
            for file in files
            if file["file_id"] in chosen
        ]
    days = asked.values.get(DAY)
    waiting = stale(reader, catalog)
    is_stale = any(model.name in models for day, models in waiting.items() if days is None or day in days)
    return Trace(f"{model.schema_name}.{model.name}", asked.rows, found, missing, is_stale, left_out)


def _ledger(reader: Reader, sources: Sequence[Source]) -> list[dict[str, Any]]:
    """The versions whose rows are in `raw`, and those in quarantine, in the order of their paths."""
    listed = ", ".join(literal(source.name) for source in sources)
    if not listed:
        return []
    columns = (
        *("file_id", "source", "path", "sha256", "modified_at", "loaded_at", "machine", "business_date"),
        *("rows_accepted", "rows_rejected", "in_raw", "reason"),
    )
    files: list[dict[str, Any]] = reader.query(
        f"select {', '.join(columns)} from {_LEDGER}"
        f" where source in ({listed}) and (in_raw or (state = 'quarantined' and not dismissed)) order by path, file_id"
    ).to_pylist()
    return files


def _deliveries(
    reader: Reader, asked: _Asked, source: Source, files: Iterable[dict[str, Any]]
) -> tuple[dict[str, int | None], str]:
    """The files with lines behind the rows, and how many; and the condition for these lines."""
    table, narrowed = TableName(source.schema_name, source.name), asked.narrowed(source)
    if pairs := _exact(asked):
        ids = {file["file_id"] for file in files}
        named = [
            f"(_file_id = {literal(file)} and _line in ({_listed(lines)}))"
            for file, lines in sorted(pairs.items())
            if file in ids
        ]
        condition = f"({' or '.join(named) or '1 = 0'})"
    else:
        parts = [f"{quoted(name)} in ({_listed(values)})" for name, values in narrowed.items()]
        if source.is_daily:
            parts.insert(0, _within(asked.days(source)))
        condition = " and ".join(parts) or "1 = 1"
    counted = reader.query(f"select _file_id as file_id, count(*) as n from {table} where {condition} group by 1")
    chosen = {row["file_id"]: int(row["n"]) for row in counted.to_pylist()}
    if not pairs and narrowed.keys() <= {_MACHINE}:
        # A delivery without a line says something too: that nothing was sold.
        for file in _in_question(asked, source, files):
            if file["in_raw"]:
                chosen.setdefault(file["file_id"], 0)
    return dict(chosen), condition


def _in_question(asked: _Asked, source: Source, files: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The files of the days and machines that the rows name."""
    days, machines = asked.days(source), asked.values.get(_MACHINE)
    for file in files:
        day, machine = file["business_date"], file["machine"]
        if day is not None and not any(first <= day <= last for first, last in days):
            continue
        if machines is None or machine is None or machine in machines:
            yield file


def _exact(asked: _Asked) -> dict[str, set[int]]:
    """Per file the lines, of a model whose rows name them."""
    pairs: dict[str, set[int]] = {}
    if {"file_id", "line_number"} <= asked.values.keys():
        for row in asked.rows:
            pairs.setdefault(row["file_id"], set()).add(row["line_number"])
    return pairs


def _referred(reader: Reader, source: Source, condition: str) -> Iterator[tuple[str, set[Any]]]:
    """Per column that refers to a master: which, and the keys that the lines mention."""
    table = TableName(source.schema_name, source.name)
    for column in source.columns:
        if column.references is not None:
            name = quoted(column.name)
            found = reader.query(f"select distinct {name} as v from {table} where {condition} and {name} is not null")
            yield column.references, set(found["v"].to_pylist())


def _versions(
    reader: Reader, asked: _Asked, source: Source, keys: Mapping[str, set[Any]]
) -> tuple[dict[str, int | None], str | None]:
    """The versions of a master that the rows rest on. Of a key it is the last one until the day that lists it, or the
    first one that ever does; of a master whose keys nobody mentions, the last one until the day."""
    versions = [version for version in read_versions(reader, [source.name]) if version.is_in_history]
    days = asked.days(source)
    key = source.files.key[0] if len(source.files.key) == 1 else None
    wanted = set(keys.get(source.name, ())) | set(asked.values.get(key or "", ()))
    if key is None or (not wanted and source.name not in keys):
        return dict.fromkeys(_valid(versions, days), None), None
    if not wanted:
        return {}, None
    table, column = TableName(source.schema_name, source.name), quoted(key)
    listing: dict[Any, set[str]] = {}
    found = reader.query(
        f"select distinct {column} as k, _file_id as f from {table} where {column} in ({_listed(wanted)})"
    )
    for row in found.to_pylist():
        listing.setdefault(row["k"], set()).add(row["f"])
    chosen: dict[str, list[Any]] = {}
    for value, listed in listing.items():
        for file_id in _valid([version for version in versions if version.file_id in listed], days):
            chosen.setdefault(file_id, []).append(value)
    each = (f"(_file_id = {literal(file)} and {column} in ({_listed(values)}))" for file, values in chosen.items())
    return {file: len(values) for file, values in chosen.items()}, f"({' or '.join(each) or '1 = 0'})"


def _valid(versions: Sequence[MasterVersion], days: Iterable[Days]) -> list[str]:
    """Those that are valid on any of the days."""
    since = [version.version_day for version in versions]
    return list(dict.fromkeys(versions[one].file_id for span in days for one in valid_between(since, *span)))


def _lines(reader: Reader, source: Source, condition: str, most: int) -> dict[str, list[Line]]:
    columns = ", ".join(quoted(column.name) for column in source.columns)
    table = TableName(source.schema_name, source.name)
    found = reader.query(
        f"select _file_id, _line, {columns} from {table} where {condition} order by _file_id, _line limit {most}"
    )
    personal = {column.name for column in source.columns if column.personal}
    lines: dict[str, list[Line]] = {}
    for row in found.to_pylist():
        file_id, number = row.pop("_file_id"), row.pop("_line")
        values = {
            name: None if value is None else _HIDDEN if name in personal else str(value) for name, value in row.items()
        }
        lines.setdefault(file_id, []).append(Line(number, values))
    return lines


def _traced(file: Mapping[str, Any], behind: int | None, lines: Iterable[Line] = ()) -> TracedFile:
    return TracedFile(
        source=file["source"],
        path=file["path"],
        sha256=file["sha256"],
        delivered_at=_in_japan(file["modified_at"]),
        loaded_at=_in_japan(file["loaded_at"]),
        machine=file["machine"],
        business_date=file["business_date"],
        rows=file["rows_accepted"],
        rows_rejected=file["rows_rejected"],
        rows_behind=behind,
        lines=tuple(lines),
        quarantined_because=None if file["in_raw"] else file["reason"],
    )


def _references(source: Source) -> list[str]:
    return [column.name for column in source.columns if column.references is not None]


def _in_japan(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).replace(microsecond=0)


def _joined(spans: Iterable[Days]) -> list[Days]:
    """The same days in as few stretches as possible."""
    joined: list[Days] = []
    for first, last in sorted(spans):
        if joined and (joined[-1][1] == date.max or first <= joined[-1][1] + timedelta(days=1)):
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _within(days: Iterable[Days]) -> str:
    each = (f"_business_date between {literal(first)} and {literal(last)}" for first, last in days)
    return f"({' or '.join(each)})"


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(sorted(literal(value) for value in values))
