"""The files of `raw._files`, counted: these are hundreds of thousands of a few thousand days, so the warehouse sums."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime

from vending_platform.catalog import Catalog
from vending_platform.ledger.conditions import among, of_days
from vending_platform.ledger.files import FILES, FileState
from vending_platform.warehouse import Reader, values_of

_CURRENT = f"state <> '{FileState.SUPERSEDED}'"
_CONTENT = "file_id || coalesce(contract_hash, '')"
Day = date | None


@dataclass(frozen=True, slots=True)
class FileCounts:
    """The current files of one source and business day; without a day, of the whole source."""

    loaded: int
    quarantined: int
    rows_accepted: int
    rows_rejected: int
    bytes: int


@dataclass(frozen=True)
class FileGroup:
    """All files of one source and business day of which the same became."""

    source: str
    business_date: Day
    state: str
    in_raw: bool
    count: int
    fingerprint: int
    """Which files these are, and under which contract each was read: a replay may give other rows of the same bytes. Of
    two sets that have no file in common, the sum is that of both."""


@dataclass(frozen=True, slots=True)
class DeliveredDay:
    """What counts of a source and day for its quality: also files that are gone, until a person confirms it."""

    source: str
    business_date: Day
    files: int
    broken: int
    drifted: int
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class RowCount:
    """The rows of the current files of a source."""

    accepted: int
    rejected: int


def count_days(reader: Reader) -> dict[str, dict[Day, FileCounts]]:
    """Per source and business day."""
    days: dict[str, dict[Day, FileCounts]] = {}
    rows = reader.query(
        "select source, business_date,"
        " sum(case when in_raw then 1 else 0 end) as loaded,"
        f" sum(case when state = '{FileState.QUARANTINED}' then 1 else 0 end) as quarantined,"
        " sum(case when in_raw then rows_accepted else 0 end) as rows_accepted,"
        " sum(case when in_raw then rows_rejected else 0 end) as rows_rejected,"
        " sum(size) as bytes"
        f" from {FILES} where {_CURRENT} and not dismissed group by source, business_date"
    ).to_pylist()
    for row in rows:
        source, day = row.pop("source"), row.pop("business_date")
        days.setdefault(source, {})[day] = FileCounts(**_whole(row))
    return days


def group_files(reader: Reader) -> tuple[FileGroup, ...]:
    """In an order, so that the same deliveries are equal."""
    found = reader.query(
        "select source, business_date, state, in_raw, count(*) as n,"
        f" cast({reader.fingerprint(_CONTENT)} as varchar) as fingerprint"
        f" from {FILES} group by source, business_date, state, in_raw order by 1, 2, 3, 4"
    )
    columns = {name: values_of(found[name]) for name in found.column_names}
    columns["fingerprint"] = [int(text) for text in columns["fingerprint"]]
    return tuple(map(FileGroup, *columns.values()))


def count_delivered(reader: Reader, days: Mapping[str, Set[Day]]) -> list[DeliveredDay]:
    """Of these sources and days, and perhaps of others between them."""
    states = ", ".join(f"'{state}'" for state in (FileState.LOADED, FileState.QUARANTINED, FileState.WITHDRAWN))
    rows = reader.query(
        "select source, business_date, count(*) as files,"
        f" sum(case when state = '{FileState.QUARANTINED}' then 1 else 0 end) as broken,"
        " sum(case when in_raw and drift is not null then 1 else 0 end) as drifted,"
        " sum(case when in_raw then rows_accepted else 0 end) as accepted,"
        " sum(case when in_raw then rows_rejected else 0 end) as rejected"
        f" from {FILES} where state in ({states})"
        f" and not dismissed and {of_days(days)} group by source, business_date"
    ).to_pylist()
    return [DeliveredDay(row.pop("source"), row.pop("business_date"), **_whole(row)) for row in rows]


def count_states(reader: Reader) -> dict[str, int]:
    """How many versions are in each state."""
    rows = reader.query(f"select state, count(*) as n from {FILES} group by state").to_pylist()
    return {row["state"]: row["n"] for row in rows}


def count_rows(reader: Reader) -> dict[str, RowCount]:
    """Per source, those of the files whose rows are in `raw`."""
    sums = "cast(sum(rows_accepted) as bigint) as accepted, cast(sum(rows_rejected) as bigint) as rejected"
    rows = reader.query(
        f"select source, {sums} from {FILES} where {_CURRENT} and in_raw group by source order by source"
    ).to_pylist()
    return {row["source"]: RowCount(int(row["accepted"]), int(row["rejected"])) for row in rows}


def last_changes(reader: Reader, catalog: Catalog) -> dict[Day, datetime]:
    """When the rows of each business day changed last; None stands for what is not delivered by day."""
    if not reader.has_table(FILES):
        return {}
    names = ", ".join(f"'{source.name}'" for source in catalog if source.is_dated)
    found = reader.query(
        "select day, max(changed) as changed from ("
        f" select case when source in ({names or 'null'}) then business_date end as day,"
        f" greatest(loaded_at, coalesce(ended_at, loaded_at)) as changed from {FILES}"
        ") as versions group by day"
    )
    return dict(zip(found["day"].to_pylist(), found["changed"].to_pylist(), strict=True))


def newest_days(reader: Reader, sources: Iterable[str]) -> dict[str, date]:
    """Per source the last day of which rows are in `raw`; sources without any are not in it."""
    rows = reader.query(
        f"select source, max(business_date) as newest from {FILES}"
        f" where in_raw and source in ({among(sources)}) group by source"
    ).to_pylist()
    return {row["source"]: row["newest"] for row in rows}


def _whole(row: Mapping[str, object]) -> dict[str, int]:
    """Sums are decimals on some warehouses."""
    return {name: int(str(value)) for name, value in row.items()}
