"""Which files, and which of their lines, rows of a model rest on. Too many rather than too few: what is not known
from the row leaves a file in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from vending_platform.catalog import Catalog, DeliveryMode, Model, Source
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.ledger import TraceableFile, read_packages, traceable_files
from vending_platform.lineage.provenance.conditions import ALWAYS, NEVER, listed, within
from vending_platform.lineage.provenance.masking import HIDDEN, is_hidden, personal_of, without_persons
from vending_platform.lineage.provenance.masters import master_lines, references
from vending_platform.lineage.provenance.query import built_models, model_called, rows_meant
from vending_platform.lineage.provenance.source_rows import DAY, EVER, Reached, Wanted, joined, reached
from vending_platform.lineage.provenance.trace import Line, Trace, TracedFile
from vending_platform.quality import masked_words
from vending_platform.transformation import stale
from vending_platform.warehouse import Reader, TableName, quoted

_MOST_LINES = 10_000


@dataclass
class _Found:
    """What was found so far."""

    files: list[TracedFile] = field(default_factory=list)
    missing: list[TracedFile] = field(default_factory=list)
    keys: dict[str, set[Any]] = field(default_factory=dict)
    """Of each master the keys that the lines mention."""
    lines_left: int = 0
    """How many more lines can be listed."""
    left_out: int = 0


@dataclass(frozen=True)
class _Chosen:
    """Of the files of a source: how many rows are behind the number, and behind what it is compared with."""

    rows: Mapping[str, tuple[int | None, int]]
    own: str | None
    """The condition on its lines; None if they are not known."""
    all: str | None


def trace(
    catalog: Catalog, reader: Reader, name: str, values: Sequence[tuple[str, str]], *, with_lines: bool = False
) -> Trace:
    """The files that these rows of a model rest on, with the lines if `with_lines`."""
    model, personal = model_called(catalog, name), personal_of(catalog)
    table = rows_meant(reader, catalog, model, values, personal)
    rows = table.to_pylist()
    wanted = _wanted(rows)
    reach = reached(reader, catalog, model, wanted, built_models(reader))
    sources = sorted(
        (source for source in catalog if source.name in reach.wanted),
        key=lambda source: source.files.delivery is DeliveryMode.SNAPSHOT,
    )
    known = traceable_files(reader, [source.name for source in sources])
    found = _Found(lines_left=_MOST_LINES if with_lines else 0)
    for source in [source for source in sources if source.files.delivery is not DeliveryMode.SNAPSHOT]:
        files = [file for file in known if file.source == source.name]
        chosen = _deliveries(reader, source, reach.wanted[source.name], files)
        in_question = _in_question(source, reach.wanted[source.name], files)
        found.missing += [_traced(file, (None, 0), personal) for file in in_question if not file.in_raw]
        for master, keys in references(reader, source, chosen.all):
            found.keys.setdefault(master, set()).update(keys)
        _add(reader, source, files, chosen, found, personal, with_lines)
    masters = [source for source in sources if source.files.delivery is DeliveryMode.SNAPSHOT]
    for source, versions, condition in master_lines(reader, masters, reach.wanted, found.keys):
        files = [file for file in known if file.source == source.name]
        chosen = _Chosen({file: (count, 0) for file, count in versions.items()}, condition, condition)
        _add(reader, source, files, chosen, found, personal, with_lines)
    days = {row[DAY] for row in rows if row.get(DAY) is not None} or None
    waiting = stale(reader, catalog)
    is_stale = any(model.name in models for day, models in waiting.items() if days is None or day in days)
    found.files.sort(key=lambda file: file.is_peer)  # those of the rows themselves first
    with_package = _packages_of(catalog, reader)
    return Trace(
        model=f"{model.schema_name}.{model.name}",
        rows=without_persons(rows, personal),
        files=[with_package(file) for file in found.files],
        missing=found.missing,
        is_stale=is_stale,
        lines_left_out=found.left_out,
        notes=tuple(_notes(model, reach)),
    )


def _wanted(rows: Sequence[Mapping[str, Any]]) -> Wanted:
    """The rows in question, by their days and by the values of every column that none of them leaves empty."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    known = {name: values for name, values in columns.items() if None not in values}
    days = tuple(joined((day, day) for day in known[DAY])) if DAY in known else EVER
    return Wanted(days, {name: frozenset(values) for name, values in known.items()}, rows=tuple(rows))


def _notes(model: Model, reach: Reached) -> Iterable[str]:
    for words in reach.besides:
        yield f"It also rests on {words}; no line shows that by itself, so none is named for it."
    if reach.undeclared:
        yield (
            f"Which rows of its inputs a row of {', '.join(sorted(reach.undeclared))} rests on is not declared"
            " (config.meta.provenance), so all of the days that it reads are named."
        )
    if any(wanted.is_peer for every in reach.wanted.values() for wanted in every):
        yield f"A row of {model.name} is compared with others; what only they rest on is marked as such."


def _deliveries(reader: Reader, source: Source, wanted: Sequence[Wanted], files: Iterable[TraceableFile]) -> _Chosen:
    """The files with lines behind the rows, and how many."""
    table = TableName(source.schema_name, source.name)
    own = _lines_of(source, [one for one in wanted if not one.is_peer])
    every = _lines_of(source, wanted)
    of_own, of_all = _counted(reader, table, own), _counted(reader, table, every) if every != own else {}
    rows: dict[str, tuple[int | None, int]] = {
        file: (of_own.get(file, 0), max(of_all.get(file, 0) - of_own.get(file, 0), 0)) for file in {**of_own, **of_all}
    }
    # A delivery without a line is an answer too: that nothing happened.
    about_a_sender = [one for one in wanted if source.is_dated and one.values.keys() <= {source.files.sender_column}]
    for file in _in_question(source, about_a_sender, files):
        if file.in_raw:
            rows.setdefault(file.file_id, (0, 0))
    return _Chosen(rows, own, every)


def _counted(reader: Reader, table: TableName, condition: str) -> dict[str, int]:
    counted = reader.query(f"select _file_id as file_id, count(*) as n from {table} where {condition} group by 1")
    return {row["file_id"]: int(row["n"]) for row in counted.to_pylist()}


def _lines_of(source: Source, wanted: Iterable[Wanted]) -> str:
    """The condition for its lines among these; and for those that have the key of one of them, wherever they are, as
    of all lines with a key one counts."""
    each = sorted({_condition(source, one) for one in wanted})
    if ALWAYS in each or not each:
        return ALWAYS if each else NEVER
    key = ", ".join(map(quoted, source.files.key))
    table = TableName(source.schema_name, source.name)
    return f"({key}) in (select {key} from {table} where ({' or '.join(each)}))"


def _condition(source: Source, wanted: Wanted) -> str:
    parts = [f"{quoted(name)} in ({listed(values)})" for name, values in sorted(wanted.values.items())]
    if wanted.days != EVER and source.has_days:
        parts.insert(0, within("_business_date", wanted.days))
    return f"({' and '.join(parts)})" if parts else ALWAYS


def _in_question(source: Source, wanted: Sequence[Wanted], files: Iterable[TraceableFile]) -> list[TraceableFile]:
    """The files of these days and senders."""
    sender = source.files.sender_column or ""
    return [
        file
        for file in files
        if any(
            one.holds(file.business_date) and (file.sender is None or file.sender in one.values[sender])
            if sender in one.values
            else one.holds(file.business_date)
            for one in wanted
        )
    ]


def _add(
    reader: Reader,
    source: Source,
    files: Iterable[TraceableFile],
    chosen: _Chosen,
    found: _Found,
    personal: frozenset[str],
    with_lines: bool,
) -> None:
    lines: dict[str, list[Line]] = {}
    if with_lines and chosen.all is not None:
        lines = _lines(reader, source, chosen, found.lines_left, personal)
        shown = sum(map(len, lines.values()))
        found.lines_left -= shown
        found.left_out += sum((own or 0) + peers for own, peers in chosen.rows.values()) - shown
    found.files += [
        _traced(file, chosen.rows[file.file_id], personal, lines.get(file.file_id, ()))
        for file in files
        if file.file_id in chosen.rows
    ]


def _lines(
    reader: Reader, source: Source, chosen: _Chosen, most: int, personal: frozenset[str]
) -> dict[str, list[Line]]:
    """Those of the rows themselves first, as far as lines are left."""
    own = _read_lines(reader, source, chosen.own, most)
    known = {(row["_file_id"], row["_line"]) for row in own}
    more = [] if chosen.all == chosen.own else _read_lines(reader, source, chosen.all, most)
    peers = [row for row in more if (row["_file_id"], row["_line"]) not in known][: most - len(own)]
    lines: dict[str, list[Line]] = {}
    for row, is_peer in (*((row, False) for row in own), *((row, True) for row in peers)):
        file_id, number = row.pop("_file_id"), row.pop("_line")
        values = {
            name: None if value is None else HIDDEN if is_hidden(name, personal) else str(value)
            for name, value in row.items()
        }
        lines.setdefault(file_id, []).append(Line(number, values, is_peer))
    return lines


def _read_lines(reader: Reader, source: Source, condition: str | None, most: int) -> list[dict[str, Any]]:
    columns = ", ".join(quoted(column.name) for column in source.columns)
    table = TableName(source.schema_name, source.name)
    found: list[dict[str, Any]] = reader.query(
        f"select _file_id, _line, {columns} from {table} where {condition} order by _file_id, _line limit {most}"
    ).to_pylist()
    return found


def _traced(
    file: TraceableFile, rows: tuple[int | None, int], personal: frozenset[str], lines: Iterable[Line] = ()
) -> TracedFile:
    return TracedFile(
        source=file.source,
        path=file.path,
        sha256=file.sha256,
        delivered_at=_in_japan(file.modified_at),
        loaded_at=_in_japan(file.loaded_at),
        sender=file.sender,
        business_date=file.business_date,
        rows=file.rows_accepted,
        rows_rejected=file.rows_rejected,
        rows_behind=rows[0],
        rows_compared=rows[1],
        lines=tuple(lines),
        quarantined_because=None if file.in_raw else masked_words(file.reason or "", personal),
    )


def _packages_of(catalog: Catalog, reader: Reader) -> Callable[[TracedFile], TracedFile]:
    """Adds to a file which package it came in."""
    names = {source.name: package.name for package in catalog.packages for source in package.sources.values()}
    known = read_packages(reader) if names else {}

    def with_package(file: TracedFile) -> TracedFile:
        if file.source not in names or file.sender is None or file.business_date is None:
            return file
        record = known.get((names[file.source], file.sender, file.business_date))
        if record is None or record.revision is None:
            return file
        return replace(file, package=f"{record.package}, revision {record.revision}")

    return with_package


def _in_japan(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).replace(microsecond=0)
