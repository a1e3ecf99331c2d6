"""`raw._row_days`: which business days the files have rows of that name no day, files of an `append` source with a
`day_column`.

Every row has its own day, and the other tables know files only. So the days are looked up once for each file that is
new, and kept as long as something rests on them: while the file's rows are in `raw`, and after that while a correction
of it waits in quarantine, so that what was made of its rows is known to wait too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from vending_platform.catalog import Catalog, Source
from vending_platform.ledger.conditions import among, on_days
from vending_platform.ledger.files import FILES
from vending_platform.warehouse import Change, Reader, TableName, literal, values_of

ROW_DAYS = TableName("raw", "_row_days")
ROW_DAYS_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("file_id", pa.string()),
        ("content", pa.string()),
        ("business_date", pa.date32()),
        ("rows", pa.int64()),
    ]
)
"""`content` is the file and the contract that it was read under; a file without rows has one row without a day."""
_CONTENT = "f.file_id || ' ' || f.contract_hash"
_RESTS = f"(f.in_raw or f.path in (select w.path from {FILES} as w where w.state = 'quarantined' and not w.in_raw))"
"""Whether something rests on a version's rows, although they may be gone."""


@dataclass(frozen=True, slots=True)
class UsedFile:
    """A delivery that rows of a day rest on; without a day, rows of every day."""

    path: str
    file_id: str
    sha256: str
    day: date | None


@dataclass(frozen=True)
class DayOfRows:
    """The files of a source that have rows of a business day; if they are not in `raw`, these are the rows that were
    there before a correction that can't be used."""

    source: str
    business_date: date
    in_raw: bool
    count: int
    fingerprint: int
    """Which files these are, and under which contract each was read."""


def days_of_rows(reader: Reader, catalog: Catalog) -> tuple[DayOfRows, ...]:
    """Of all sources that have them, in an order."""
    sources = _with_days(catalog)
    if not sources or not reader.has_table(FILES):
        return ()
    known = _Known(reader)
    parts = [
        "select f.source, d.business_date, f.in_raw, d.content"
        f" from {FILES} as f join {ROW_DAYS} as d on d.content = {_CONTENT}"
        f" where d.business_date is not null and f.source in ({among(source.name for source in sources)}) and {_RESTS}"
    ] * known.is_there
    parts += [
        f"select source, business_date, true as in_raw, content from ({_of_new_files(source, known)}) as n"
        f" where business_date is not null"
        for source in known.behind(sources)
    ]
    if not parts:
        return ()
    found = reader.query(
        "select source, business_date, in_raw, count(*) as n,"
        f" cast({reader.fingerprint('content')} as varchar) as fingerprint"
        f" from ({' union all '.join(parts)}) as dated group by source, business_date, in_raw order by 1, 2, 3"
    )
    columns = {name: values_of(found[name]) for name in found.column_names}
    columns["fingerprint"] = [int(text) for text in columns["fingerprint"]]
    return tuple(map(DayOfRows, *columns.values()))


def note_row_days(reader: Reader, catalog: Catalog) -> list[Change]:
    """What is to be written into `raw._row_days`, which is there: the days of files that are new, and that those of
    others are forgotten."""
    sources, known = _with_days(catalog), _Known(reader)
    if not sources:
        return []
    changes = [
        Change(ROW_DAYS, insert=found.rename_columns(ROW_DAYS_SCHEMA.names).cast(ROW_DAYS_SCHEMA))
        for source in known.behind(sources)
        if (found := reader.query(_of_new_files(source, known))).num_rows
    ]
    names = among(source.name for source in sources)
    gone = reader.query(
        f"select distinct content from {ROW_DAYS} where content not in"
        f" (select {_CONTENT} from {FILES} as f where f.source in ({names}) and {_RESTS})"
    )
    return [*changes, Change(ROW_DAYS, delete=gone)] if gone.num_rows else changes


def files_with_rows(reader: Reader, sources: Iterable[str], days: Sequence[date]) -> list[UsedFile]:
    """Of these sources the files whose rows are in `raw`, once for each of the days that they have rows of."""
    found = reader.query(
        f"select f.path, f.file_id, f.sha256, d.business_date as day from {FILES} as f"
        f" join {ROW_DAYS} as d on d.content = {_CONTENT} where f.in_raw"
        f" and f.source in ({among(sources)}) and {on_days('d.business_date', days)}"
    )
    return list(map(UsedFile, *map(values_of, found.columns)))


class _Known:
    """What is in `raw._row_days` already."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.is_there = reader.has_table(ROW_DAYS)

    def behind(self, sources: Iterable[Source]) -> Iterator[Source]:
        """The sources with files in `raw` of which the days were not looked up yet."""
        sources = list(sources)
        if sources:
            found = self._reader.query(
                f"select distinct f.source from {FILES} as f"
                f" where f.in_raw and f.source in ({among(source.name for source in sources)}){self.is_new}"
            )
            new = set(found["source"].to_pylist())
            yield from (source for source in sources if source.name in new)

    @property
    def is_new(self) -> str:
        return f" and {_CONTENT} not in (select content from {ROW_DAYS})" * self.is_there


def _of_new_files(source: Source, known: _Known) -> str:
    """Of every file in `raw` that was not looked up yet, the days of its rows and how many there are."""
    return (
        f"select f.source, f.file_id, {_CONTENT} as content, r._business_date as business_date,"
        " count(r._file_id) as n"
        f" from {FILES} as f left join {TableName(source.schema_name, source.name)} as r on r._file_id = f.file_id"
        f" where f.in_raw and f.source = {literal(source.name)}{known.is_new}"
        " group by f.source, f.file_id, f.contract_hash, r._business_date"
    )


def _with_days(catalog: Catalog) -> list[Source]:
    return [source for source in catalog if source.has_days and not source.is_dated]
