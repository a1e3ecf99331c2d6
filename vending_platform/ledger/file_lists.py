"""Single files of `raw._files`, for those who list them: a person's status, an export's deliveries, a trace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from vending_platform.ledger.conditions import among, on_days
from vending_platform.ledger.files import FILES, FileState
from vending_platform.ledger.row_days import UsedFile
from vending_platform.warehouse import Reader, literal, values_of

_CURRENT = f"state <> '{FileState.SUPERSEDED}'"
_PRESENT = f"state in ('{FileState.LOADED}', '{FileState.QUARANTINED}')"


@dataclass(frozen=True, slots=True)
class QuarantinedFile:
    source: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class DriftedFile:
    """A file that was loaded although it differs from its contract."""

    path: str
    drift: str


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A file of a business day, as the history of quality names it."""

    source: str
    business_date: date
    sender: str | None
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class TraceableFile:
    """A version whose rows are in `raw`, or which is in quarantine."""

    file_id: str
    source: str
    path: str
    sha256: str
    modified_at: datetime
    loaded_at: datetime
    sender: str | None
    business_date: date | None
    rows_accepted: int
    rows_rejected: int
    in_raw: bool
    reason: str | None


def has_files(reader: Reader) -> bool:
    """Whether any run has begun to load here."""
    return reader.has_table(FILES)


def quarantined_files(reader: Reader) -> list[QuarantinedFile]:
    found = reader.query(
        f"select source, path, reason from {FILES}"
        f" where {_CURRENT} and reason is not null and not dismissed order by source, path"
    )
    return list(map(QuarantinedFile, *map(values_of, found.columns)))


def drifted_files(reader: Reader) -> list[DriftedFile]:
    found = reader.query(
        f"select path, drift from {FILES} where {_CURRENT} and in_raw and drift is not null order by path"
    )
    return list(map(DriftedFile, *map(values_of, found.columns)))


def withdrawn_paths(reader: Reader) -> list[str]:
    """Files that are gone, until a person confirms that they are meant to be."""
    condition = f"state = '{FileState.WITHDRAWN}' and not dismissed"
    return values_of(reader.query(f"select path from {FILES} where {condition} order by path")["path"])


def contracts_in_use(reader: Reader) -> list[tuple[str, str]]:
    """The sources of the files that are there, and the hash of each contract that they were read under."""
    found = reader.query(f"select distinct source, contract_hash from {FILES} where {_PRESENT} order by 1")
    return list(zip(*map(values_of, found.columns), strict=True))


def contents_in_raw(reader: Reader, sources: Iterable[str]) -> dict[str, str]:
    """Of the versions of these sources whose rows are in `raw`, what decides which rows these are: their bytes, and the
    contract that they were read under."""
    found = reader.query(
        f"select file_id, sha256, contract_hash from {FILES} where in_raw and source in ({among(sources)})"
    )
    return {row["file_id"]: f"{row['sha256']} {row['contract_hash']}" for row in found.to_pylist()}


def sources_in_raw(reader: Reader) -> list[str]:
    """The sources that have rows in `raw`."""
    return values_of(reader.query(f"select distinct source from {FILES} where in_raw order by 1")["source"])


def sender_days(reader: Reader, source: str) -> pa.Table:
    """Which sender delivered on which day, as columns `sender`, `business_date` and `in_raw`: a row per file that is
    loaded or in quarantine."""
    return reader.query(
        f"select sender, business_date, in_raw from {FILES} where source = '{source}' and {_CURRENT}"
        f" and (in_raw or state = '{FileState.QUARANTINED}')"
    )


def paths_of_files(reader: Reader, file_ids: Iterable[str]) -> dict[str, str]:
    found = reader.query(f"select file_id, path from {FILES} where file_id in ({among(file_ids)})")
    return dict(zip(found["file_id"].to_pylist(), found["path"].to_pylist(), strict=True))


def files_of_days(reader: Reader, days: Iterable[date]) -> list[DeliveredFile]:
    """Of all sources the files that came for these days, by source and path."""
    found = reader.query(
        f"select source, business_date, sender, path, sha256 from {FILES}"
        f" where state in ('loaded', 'quarantined', 'withdrawn') and business_date in"
        f" ({', '.join(map(literal, days))}) order by source, path"
    )
    return list(map(DeliveredFile, *map(values_of, found.columns)))


def traceable_files(reader: Reader, sources: Iterable[str]) -> list[TraceableFile]:
    """In the order of their paths."""
    if not (names := sorted(sources)):
        return []
    found = reader.query(
        f"select {', '.join(TraceableFile.__dataclass_fields__)} from {FILES}"
        f" where source in ({among(names)}) and (in_raw or (state = 'quarantined' and not dismissed))"
        " order by path, file_id"
    )
    return list(map(TraceableFile, *map(values_of, found.columns)))


def used_files(
    reader: Reader, sources: Iterable[str], daily: Iterable[str], days: Sequence[date] | None = None
) -> list[UsedFile]:
    """Of these sources the files whose rows are in `raw`, in the order of their paths; those of `daily` ones with their
    day, and only of these days if any are given."""
    of_days = ", ".join(map(literal, daily)) or "''"
    condition = f"source in ({', '.join(map(literal, sources)) or chr(39) * 2})"
    if days is not None:
        condition += f" and (source not in ({of_days}) or {on_days('business_date', days)})"
    found = reader.query(
        f"select path, file_id, sha256, case when source in ({of_days}) then business_date end as day"
        f" from {FILES} where in_raw and {condition} order by path, file_id"
    )
    return list(map(UsedFile, *map(values_of, found.columns)))
