"""What the warehouse holds and what needs a person: one answer for the terminal, the sensor and the UI."""

import hashlib
import json
import logging
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Catalog, Grain, KnownFrom, Source
from vending_platform.ingestion.outcome import raw_table
from vending_platform.ingestion.package_findings import PackageFinding, overdue, package_findings, refused
from vending_platform.ledger import (
    FileState,
    contracts_in_use,
    count_rows,
    count_states,
    drifted_files,
    has_files,
    quarantined_files,
    read_file_versions,
    read_versions,
    sender_days,
    sources_in_raw,
    undeclared_files,
    unreadable_files,
    withdrawn_paths,
)
from vending_platform.warehouse import Reader, Warehouse, WarehouseBusy, quoted, values_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeliveryStatus:
    """As of `as_of`. `rows` counts the current files; `missing` are the days and months for which a sender was due and
    nothing came."""

    as_of: str
    files: dict[str, int]
    rows: dict[str, dict[str, int]]
    missing: list[dict[str, str]]
    quarantined: list[dict[str, str]]
    undeclared: list[dict[str, str]]
    withdrawn: list[str]
    packages: list[PackageFinding]
    """Those that are not loaded as they lie in their folders."""
    unreadable: list[dict[str, str]]
    """Files that are there, and could not be read when a run tried last."""
    drifted: list[dict[str, str]]
    unknown_senders: dict[str, list[str]]
    """Those that delivered although no master knows them, by what a sender is called."""
    sender_names: dict[str, str]
    """What the senders of a source are called."""
    required_but_absent: list[str]
    read_under_another_contract: list[str]
    without_a_contract: list[str]
    """Sources of which rows are there, but no contract any more."""
    contracts: str
    """A hash over the contracts that it was made under."""

    @property
    def needs_a_person(self) -> bool:
        return bool(
            self.missing
            or self.quarantined
            or self.undeclared
            or self.withdrawn
            or any(refused(self.packages))
            or any(overdue(self.packages))
            or self.unreadable
            or self.drifted
            or self.unknown_senders
            or self.required_but_absent
            or self.read_under_another_contract
            or self.without_a_contract
            or any(counts["rejected"] for counts in self.rows.values())
        )


def status(warehouse: Warehouse, catalog: Catalog) -> tuple[DeliveryStatus, bool]:
    """The status, and whether a run is writing: then it is the one that was true after the last commit."""
    last = _last_published(warehouse)
    if last is not None and last.contracts == _contracts(catalog) and not warehouse.is_status_outdated():
        return last, False
    try:
        with warehouse.reading() as reader:
            return status_of(reader, catalog), False
    except WarehouseBusy:
        return last or _NOTHING_YET, True


def _last_published(warehouse: Warehouse) -> DeliveryStatus | None:
    """What was published last; None if it was not, or by another version of the platform, or if it is damaged."""
    try:
        return DeliveryStatus(**json.loads(warehouse.last_status() or "{}"))
    except TypeError:
        return None
    except ValueError as error:
        _log.warning("The status file is damaged (%s): the warehouse is read, and the next load writes it again", error)
        return None


def _contracts(catalog: Catalog) -> str:
    declared = "".join(f"{source.name} {source.reading_hash} {source.files.model_dump_json()}" for source in catalog)
    return hashlib.sha256(declared.encode()).hexdigest()[:16]


def as_json(status: DeliveryStatus) -> str:
    return json.dumps(asdict(status), ensure_ascii=False, indent=1)


def status_of(reader: Reader, catalog: Catalog, due_until: date | None = None) -> DeliveryStatus:
    """With `due_until`, deliveries are due until that day, whether or not anything came of it."""
    if not has_files(reader):
        return _NOTHING_YET
    states, undeclared = count_states(reader), undeclared_files(reader)
    wanted = {source.name for source in catalog if source.files.required}
    ledger = read_file_versions(reader, sources=wanted)
    missing, unknown = _completeness(reader, catalog, due_until)
    hashes = {source.name: source.reading_hash for source in catalog}
    return DeliveryStatus(
        as_of=datetime.now(UTC).isoformat("T", "seconds"),
        files={**{state.value: states.get(state.value, 0) for state in FileState}, "undeclared": len(undeclared)},
        rows={source.name: {"accepted": 0, "rejected": 0} for source in catalog}
        | {source: asdict(rows) for source, rows in count_rows(reader).items()},
        missing=missing,
        quarantined=[asdict(file) for file in quarantined_files(reader)],
        undeclared=[asdict(file) for file in undeclared],
        withdrawn=withdrawn_paths(reader),
        packages=package_findings(reader, catalog),
        unreadable=[{"path": file.path, "reason": file.reason} for file in unreadable_files(reader)],
        drifted=[asdict(file) for file in drifted_files(reader)],
        unknown_senders=unknown,
        sender_names={s.name: s.files.sender.name for s in catalog if s.files.sender is not None},
        # Where nothing was ever delivered, nothing is absent yet.
        required_but_absent=[s.name for s in catalog if states and s.files.required and not ledger.has_usable(s.name)],
        read_under_another_contract=[
            source for source, contract in contracts_in_use(reader) if hashes.get(source, contract) != contract
        ],
        without_a_contract=[source for source in sources_in_raw(reader) if source not in hashes],
        contracts=_contracts(catalog),
    )


def _completeness(
    reader: Reader, catalog: Catalog, due_until: date | None
) -> tuple[list[dict[str, str]], dict[str, list[str]]]:
    """On which days (or in which months) which sender is missing, from the first that any delivered to the last, or to
    `due_until`; and which senders delivered although the master does not know them. Broken deliveries are not missing:
    they are in quarantine."""
    missing: list[dict[str, str]] = []
    unknown: dict[str, set[str]] = {}
    for source in catalog:
        if (known_from := source.files.known_from) is None or source.files.sender is None:
            continue
        files = sender_days(reader, source.name)
        loaded = pc.min_max(files["business_date"].filter(files["in_raw"])).as_py()
        lives = _lives(reader, catalog.source(known_from.source), known_from)
        if loaded["min"] is None or not lives:
            continue
        # Periods as numbers, and a set of them for each sender: these are hundreds of thousands of files.
        grain = source.grain or Grain.DAY
        delivered: dict[str, set[int]] = defaultdict(set)
        for sender, day in zip(values_of(files["sender"]), _numbers(grain, files["business_date"]), strict=True):
            delivered[sender].add(day)
        if strangers := delivered.keys() - lives.keys():
            unknown.setdefault(source.files.sender.name, set()).update(strangers)
        first, last = loaded["min"], grain.ended_by(due_until) if due_until else loaded["max"]
        for sender, (since, until) in sorted(lives.items()):
            due = range(grain.number(max(first, since)), grain.number(min(last, until or last)) + 1)
            missing += [
                {"source": source.name, "sender": sender, "business_day": grain.written(grain.of_number(day))}
                for day in sorted(set(due) - delivered[sender])
            ]
    return missing, {name: sorted(senders) for name, senders in unknown.items()}


def _numbers(grain: Grain, days: pa.ChunkedArray) -> list[int]:
    """As `Grain.number` gives them."""
    if grain is Grain.DAY:
        return values_of(pc.add(days.cast(pa.int32()), date(1970, 1, 1).toordinal()))
    return [grain.number(day) for day in values_of(days)]


def _lives(reader: Reader, master: Source, known_from: KnownFrom) -> dict[str, tuple[date, date | None]]:
    """From when until when each sender is due, by the newest master."""
    newest = next((v for v in read_versions(reader, [master.name]) if v.is_current_version), None)
    if newest is None:
        return {}
    rows = _rows(
        reader,
        f"select {quoted(known_from.column)} as sender, {quoted(known_from.since)} as since,"
        f" {quoted(known_from.until)} as until"
        f" from {raw_table(master)} where _file_id = '{newest.file_id}'",
    )
    return {row["sender"]: (row["since"], row["until"]) for row in rows if row["since"] is not None}


def _rows(reader: Reader, sql: str) -> list[dict[str, Any]]:
    table = reader.query(sql)
    columns = map(values_of, table.columns)
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def without_findings(as_of: str) -> DeliveryStatus:
    """Of a platform in which nothing is wrong."""
    return DeliveryStatus(
        as_of=as_of,
        files={},
        rows={},
        missing=[],
        quarantined=[],
        undeclared=[],
        withdrawn=[],
        packages=[],
        unreadable=[],
        drifted=[],
        unknown_senders={},
        sender_names={},
        required_but_absent=[],
        read_under_another_contract=[],
        without_a_contract=[],
        contracts="",
    )


_NOTHING_YET = replace(
    without_findings("never"), files=dict.fromkeys([*(state.value for state in FileState), "undeclared"], 0)
)
