"""The quality of what a load brought: contract by contract, day by day."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from vending_platform.catalog import Catalog, Column, Grain, Source
from vending_platform.extraction import ExtractionSummary, summed
from vending_platform.ingestion import DeliveryStatus
from vending_platform.ledger import RejectedSample, count_delivered, newest_days, sample_rejected_rows
from vending_platform.quality import CheckStatus, Dimension, FailedRow, Measured, Result, Severity, stretches
from vending_platform.transformation import BlockedDay
from vending_platform.warehouse import Reader, TableName

FILES_USABLE, COLUMNS_DECLARED, ROWS_ACCEPTED = "files usable", "columns declared", "rows accepted"
REQUIRED, CONTRACT, DELIVERY_COMPLETE, FRESH = "required", "contract", "delivery complete", "fresh"
NO_UNDECLARED_FILES, NO_UNDECLARED_ITEMS = "no undeclared files", "no undeclared items"
DELIVERIES = "deliveries"
_SHOWN = 20
Day = date | None


@dataclass(frozen=True)
class _Delivered:
    """The current files of one source and day."""

    files: int
    broken: int
    drifted: int
    accepted: int
    rejected: int


_NOTHING = _Delivered(0, 0, 0, 0, 0)


def measured(catalog: Catalog, days: Mapping[str, set[Day]]) -> dict[Measured, list[tuple[date, date]]]:
    """The raw tables whose figures a load moved."""
    return {
        Measured(
            table=TableName(source.schema_name, source.name),
            day="_business_date",
            nullable=tuple(column.name for column in source.columns if not column.required),
            keys=source.files.key,
            code_version=source.reading_hash,
        ): list(stretches(day for day in days[source.name] if day is not None))
        for source in catalog
        if source.is_dated and source.name in days
    }


def of_deliveries(
    reader: Reader,
    catalog: Catalog,
    days: Mapping[str, set[Day]],
    status: DeliveryStatus,
    blocked: Sequence[BlockedDay],
    *,
    due: date | None,
) -> Iterator[Result]:
    """The results of every contract of which a load moved something, for these days; and of what is about all of them:
    whether the newest day is there, and whether every file is declared. `due` is the day that every source should
    have by now; without one, the newest that any has."""
    if not days:
        return
    held, rejects = _held(reader, days), _rejects(reader, days)
    for source in catalog:
        for day in sorted(days.get(source.name, ()), key=str):
            waits = any(b.source == source.name and b.business_date in (None, day) for b in blocked)
            found = held.get((source.name, day), _NOTHING)
            bad = [row for row in rejects if (row.source, row.business_date) == (source.name, day)]
            missing = [
                row["sender"]
                for row in status.missing
                if day is not None
                and (row["source"], row["business_day"]) == (source.name, (source.grain or Grain.DAY).written(day))
            ]
            files = {
                FILES_USABLE: _files_of(catalog, source, day, status.quarantined, "reason"),
                COLUMNS_DECLARED: _files_of(catalog, source, day, status.drifted, "drift"),
            }
            for result in _of_day(source, found, bad, missing, waits=waits):
                result = replace(result, sample=files.get(result.check, result.sample))
                yield replace(
                    result, dataset=f"raw.{source.name}", first_day=day, last_day=day, code_version=source.reading_hash
                )
    yield from _fresh(reader, catalog, due)
    undeclared = len(status.undeclared)
    yield Result(
        check=NO_UNDECLARED_FILES,
        dataset=DELIVERIES,
        dimension=Dimension.VALIDITY,
        status=CheckStatus.WARNED if undeclared else CheckStatus.PASSED,
        failed_rows=undeclared,
        total_rows=sum(status.files.values()),
        expected="every file is of a declared kind",
        actual=f"files of no declared kind: {undeclared}",
        sample=tuple(
            FailedRow({"file": row["path"]}, path=row["path"], reason=row["reason"])
            for row in status.undeclared[:_SHOWN]
        ),
    )


def of_items(extractions: Sequence[ExtractionSummary]) -> Iterator[Result]:
    """Whether what was read of tables with several kinds of items was of kinds that are declared."""
    read = sum(one.rows_read for done in extractions for one in done.sources)
    found = summed(one for done in extractions for one in done.undeclared)
    undeclared = sum(one.items for one in found)
    if read or undeclared:
        yield Result(
            check=NO_UNDECLARED_ITEMS,
            dataset=DELIVERIES,
            dimension=Dimension.VALIDITY,
            status=CheckStatus.WARNED if undeclared else CheckStatus.PASSED,
            failed_rows=undeclared,
            total_rows=read + undeclared,
            expected="every item is of a declared kind",
            actual=f"items of no declared kind: {undeclared}",
            sample=tuple(FailedRow({"table": one.table}, reason=str(one)) for one in found[:_SHOWN]),
        )


def _of_day(
    source: Source, found: _Delivered, rejects: Sequence[RejectedSample], missing: Sequence[str], *, waits: bool
) -> Iterator[Result]:
    """Without dataset and day: the caller adds them."""
    bad = CheckStatus.FAILED if waits else CheckStatus.WARNED
    severity = Severity.ERROR if waits else Severity.WARN

    def result(check: str, dimension: Dimension, failed: int, total: int, expected: str, actual: str) -> Result:
        status = bad if failed else CheckStatus.PASSED
        return Result(check, "", dimension, status, severity, None, failed, total, expected=expected, actual=actual)

    yield result(
        FILES_USABLE,
        Dimension.VALIDITY,
        found.broken,
        found.files,
        "every file can be read under its contract",
        f"files in quarantine: {found.broken} of {found.files}",
    )
    yield result(
        COLUMNS_DECLARED,
        Dimension.CONSISTENCY,
        found.drifted,
        found.files,
        "every file has the columns of its contract",
        f"files with other columns: {found.drifted} of {found.files}",
    )
    rows = found.accepted + found.rejected
    yield result(
        ROWS_ACCEPTED,
        Dimension.VALIDITY,
        found.rejected,
        rows,
        "every row is as its contract declares",
        f"{found.accepted} rows accepted, {found.rejected} rejected",
    )
    counts = Counter[tuple[str | None, bool]]()
    for row in rejects:
        counts[row.column_name, row.is_empty] = row.found
    for column in source.columns:
        for check, is_empty, dimension in (
            (REQUIRED, True, Dimension.COMPLETENESS),
            (CONTRACT, False, Dimension.VALIDITY),
        ):
            if is_empty and not column.required:
                continue
            failed = counts[column.name, is_empty]
            expected = "a value in every row" if is_empty else rules_of(column)
            checked = result(check, dimension, failed, rows, expected, f"rows rejected: {failed}")
            sample = [row for row in rejects if (row.column_name, row.is_empty) == (column.name, is_empty)]
            yield replace(checked, column=column.name, sample=tuple(map(_rejected, sample)))
    if unreadable := counts[None, False]:
        checked = result(
            CONTRACT,
            Dimension.VALIDITY,
            unreadable,
            rows,
            "every row has the columns of the header",
            f"rows rejected: {unreadable}",
        )
        yield replace(checked, sample=tuple(_rejected(row) for row in rejects if row.column_name is None))
    if source.files.known_from is not None:
        there = found.files + len(missing)
        checked = result(
            DELIVERY_COMPLETE,
            Dimension.COMPLETENESS,
            len(missing),
            there,
            f"a file of every {source.files.sender_name} that is due",
            f"files missing: {len(missing)} of {there}",
        )
        yield replace(
            checked,
            status=CheckStatus.WARNED if missing else CheckStatus.PASSED,
            severity=Severity.WARN,
            sample=tuple(
                FailedRow({source.files.sender_name or "sender": sender}, reason="no file came")
                for sender in missing[:_SHOWN]
            ),
        )


def _files_of(
    catalog: Catalog, source: Source, day: Day, files: Sequence[Mapping[str, str]], why: str
) -> tuple[FailedRow, ...]:
    """Those of these files that are of this source and day, by their names."""
    found = []
    for row in files:
        known = catalog.identify(row["path"])
        if isinstance(known, tuple) and known[0] is source and (day is None or known[1].business_date == day):
            found.append(FailedRow({"file": row["path"]}, day, row["path"], reason=row[why]))
    return tuple(found[:_SHOWN])


def rules_of(column: Column) -> str:
    """What a contract requires of a column's values."""
    rules = [str(column.type)]
    if column.values:
        rules.append(f"one of {', '.join(column.values)}")
    if column.pattern is not None:
        rules.append(f"like {column.pattern}")
    if column.range is not None and column.range.min is not None:
        rules.append(f"at least {column.range.min}")
    if column.range is not None and column.range.max is not None:
        rules.append(f"at most {column.range.max}")
    return ", ".join(rules)


def _rejected(row: RejectedSample) -> FailedRow:
    values = {"file": row.path, "line": row.line, "column": row.column_name}
    return FailedRow(values, row.business_date, row.path, row.line, row.reason)


def _fresh(reader: Reader, catalog: Catalog, due: date | None) -> Iterator[Result]:
    expecting = [source for source in catalog if source.is_dated and source.files.known_from is not None]
    if not expecting:
        return
    newest = newest_days(reader, [source.name for source in expecting])
    if not newest:
        return
    for source in expecting:
        grain = source.grain or Grain.DAY
        expected = grain.ended_by(due) if due is not None else grain.start(max(newest.values()))
        day = newest.get(source.name)
        late = grain.number(expected) - grain.number(day) if day is not None else None
        yield Result(
            check=FRESH,
            dataset=f"raw.{source.name}",
            dimension=Dimension.TIMELINESS,
            status=CheckStatus.PASSED if late is not None and late <= 0 else CheckStatus.WARNED,
            expected=f"the newest {grain.value} is {grain.written(expected)}",
            actual=grain.written(day) if day is not None else "none",
            first_day=expected,
            last_day=expected,
            message=f"{late} {grain.value}s late" if late is not None and late > 0 else None,
            code_version=source.reading_hash,
        )


def _held(reader: Reader, days: Mapping[str, set[Day]]) -> dict[tuple[str, Day], _Delivered]:
    found: dict[tuple[str, Day], _Delivered] = {}
    for one in count_delivered(reader, days):
        day = one.business_date if None not in days[one.source] else None  # of a master, versions may have own days
        before = found.get((one.source, day), _NOTHING)
        found[one.source, day] = _Delivered(
            before.files + one.files,
            before.broken + one.broken,
            before.drifted + one.drifted,
            before.accepted + one.accepted,
            before.rejected + one.rejected,
        )
    return found


def _rejects(reader: Reader, days: Mapping[str, set[Day]]) -> list[RejectedSample]:
    """The first rejected rows of every column and day, each with how many there are."""
    return [
        replace(row, business_date=None) if None in days[row.source] else row
        for row in sample_rejected_rows(reader, days, _SHOWN)
    ]
