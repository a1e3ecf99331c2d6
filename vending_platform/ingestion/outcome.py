"""What became of the files of one batch, and the changes to the warehouse that this means."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

import pyarrow as pa

from vending_platform.catalog import Catalog, DeliveryMode, Encoding, Source
from vending_platform.ingestion.reading import FileContent, decode, rows_as_json
from vending_platform.ingestion.reading.rows import FILE, LENGTH, LINE, OFFSET
from vending_platform.ingestion.validation import BUSINESS_DATE, FILE_ID
from vending_platform.ledger import (
    REJECTED_ROWS_SCHEMA,
    FileState,
    FileVersion,
    FileVersions,
    RecordKind,
    add_rejected_rows,
    note_files,
    note_unrecorded,
    remove_rejected_rows,
)
from vending_platform.warehouse import Change, TableName

RAW_TEXT_LIMIT = 64 * 1024
Rows: TypeAlias = pa.Table | pa.RecordBatchReader


@dataclass(frozen=True)
class Outcome:
    """One file of a batch: its new version, the version that was current before, and the bytes it came from."""

    version: FileVersion
    before: FileVersion | None
    content: FileContent


@dataclass(frozen=True)
class Origin:
    """Where rejected rows come from."""

    file_id: str
    source: str
    path: str
    business_date: date | None
    content: FileContent
    encoding: Encoding | None
    """None where a row is no text."""
    has_offsets: bool = True
    """Whether places in `content` are places in the file that was delivered."""


def raw_table(source: Source) -> TableName:
    return TableName(source.schema_name, source.name)


def changes_for(
    source: Source, outcomes: Sequence[Outcome], ledger: FileVersions, accepted: Rows, rejected: Rows
) -> list[Change]:
    """One publication: superseded rows go, the batch's rows and the ledger's entries come."""
    keeps_history = source.files.delivery is DeliveryMode.SNAPSHOT
    leaving: list[FileVersion] = []
    versions = [outcome.version for outcome in outcomes]
    for outcome in outcomes:
        new = outcome.version
        for known in ledger.versions(new.source, new.path):
            if known.file_id == new.file_id:
                leaving.append(known)  # read again: after a replay, or because an older content came back
                continue
            ends = known.state is not FileState.SUPERSEDED
            goes = not keeps_history and known.in_raw
            if not keeps_history and (ends or goes):
                leaving.append(known)
            if ends or goes:
                since = new.loaded_at if ends else known.ended_at
                versions.append(
                    replace(known, state=FileState.SUPERSEDED, in_raw=known.in_raw and not goes, ended_at=since)
                )
    return [
        *removal(source, leaving),
        Change(raw_table(source), insert=accepted),
        add_rejected_rows(rejected),
        note_files(versions),
    ]


def removal(source: Source, versions: Iterable[FileVersion]) -> list[Change]:
    """All rows of these versions go. Where the day is known it is named too, so that a warehouse can prune by it."""
    versions = list(versions)
    is_dated = source.is_dated
    daily = [version for version in versions if is_dated and version.business_date is not None]
    others = [version for version in versions if not is_dated or version.business_date is None]
    return [
        Change(raw_table(source), delete=_ids(FILE_ID, daily, with_day=True)),
        Change(raw_table(source), delete=_ids(FILE_ID, others)),
        remove_rejected_rows(version.file_id for version in versions),
    ]


def _ids(column: str, versions: Sequence[FileVersion], *, with_day: bool = False) -> pa.Table:
    columns = {column: pa.array([version.file_id for version in versions], pa.string())}
    if with_day:
        columns[BUSINESS_DATE] = pa.array([version.business_date for version in versions], pa.date32())
    return pa.table(columns)


def note_days(catalog: Catalog, versions: Iterable[FileVersion]) -> Change:
    """What these versions mean for quality has to be recorded: per source the days, None where a source has no days."""
    daily = {source.name for source in catalog if source.is_dated}
    days: dict[str, set[str | None]] = {}
    for version in versions:
        day = version.business_date if version.source in daily else None
        days.setdefault(version.source, set()).add(day.isoformat() if day is not None else None)
    found = {source: sorted(of_source, key=str) for source, of_source in days.items()}
    return note_unrecorded(RecordKind.LOAD, json.dumps(found))


def noted_days(found: Iterable[str]) -> dict[str, set[date | None]]:
    days: dict[str, set[date | None]] = {}
    for text in found:
        for source, of_source in json.loads(text).items():
            days.setdefault(source, set()).update(date.fromisoformat(day) if day else None for day in of_source)
    return days


def rejected_rows(rejected: pa.Table, origins: dict[int, Origin]) -> pa.Table:
    """For the ledger: place and reason as validated, the raw text cut from the file's own bytes."""
    spans: dict[int, list[tuple[int, int]]] = {}
    rows = []
    found = rejected.to_pylist()
    texts = {
        file: rows_as_json(origin.content, [row[LINE] for row in found if row[FILE] == file])
        for file, origin in origins.items()
        if origin.encoding is None and any(row[FILE] == file for row in found)
    }
    for row in found:
        origin = origins[row[FILE]]
        offset, length = row[OFFSET], row[LENGTH]
        if origin.encoding is None:
            text, sha256 = _shortened(texts[row[FILE]][row[LINE]])
        else:
            if offset is None:
                if row[FILE] not in spans:
                    spans[row[FILE]] = line_spans(origin.content)
                offset, length = spans[row[FILE]][row[LINE] - 1]
            text, sha256 = _raw_text(origin.content, offset, length, origin.encoding)
        rows.append(
            {
                "file_id": origin.file_id,
                "source": origin.source,
                "path": origin.path,
                "business_date": origin.business_date,
                "line": row[LINE],
                "column_name": row["column_name"],
                "reason": row["reason"],
                "raw_text": text,
                "byte_offset": offset if origin.has_offsets else None,
                "byte_length": length if origin.has_offsets else None,
                "raw_sha256": sha256,
            }
        )
    return pa.Table.from_pylist(rows, REJECTED_ROWS_SCHEMA)


def _shortened(text: str) -> tuple[str, str | None]:
    if len(text.encode()) <= RAW_TEXT_LIMIT:
        return text, None
    return text.encode()[:RAW_TEXT_LIMIT].decode(errors="ignore"), hashlib.sha256(text.encode()).hexdigest()


def line_spans(content: FileContent) -> list[tuple[int, int]]:
    """Where each line of a file starts, and how long it is, for files in which every row is one line."""
    spans, offset = [], 0
    for line in b"".join(content.chunks()).splitlines(keepends=True):
        spans.append((offset, len(line)))
        offset += len(line)
    return spans


def _raw_text(content: FileContent, offset: int, length: int, encoding: Encoding) -> tuple[str, str | None]:
    """The text of a row, and its hash where the text is too long to be kept in the table."""
    if length <= RAW_TEXT_LIMIT:
        return decode(content.cut(offset, length), encoding).rstrip("\r\n"), None
    text = content.cut(offset, RAW_TEXT_LIMIT)
    while True:
        try:
            return decode(text, encoding), hashlib.sha256(content.cut(offset, length)).hexdigest()
        except UnicodeDecodeError:
            text = text[:-1]  # the limit fell inside a character
