"""Marts as tables of the lake: the days that were built since take the place of those of before, in one commit.

The manifest beside says which builds the table has. It is written after the commit: a run that ends between both leaves
a table that is ahead of its manifest, and the next one writes the same rows again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from vending_platform.catalog import Catalog, Export, LakeLayout
from vending_platform.exporting.contents import ExportRows, builds_of, contents, grain_of
from vending_platform.exporting.manifest import (
    MANIFEST,
    Manifest,
    Part,
    manifest_path,
    path_of,
    paths_of,
    read_manifest,
)
from vending_platform.exporting.shaping import as_left, described
from vending_platform.exporting.todo import NOT_WHOLE, Exported, Todo, by_day, note, todo_of, would_lose
from vending_platform.exporting.writing import ExportError, write_raw_files
from vending_platform.lake import Lake, LakeError
from vending_platform.prefetch import prefetched
from vending_platform.storage import Place
from vending_platform.warehouse import TableName, Writer


def no_lake() -> Lake:
    raise LakeError("no lake is open here: an export with format iceberg needs one")


@dataclass(frozen=True)
class _TableBefore:
    """What readers see of a table before it is brought up to date."""

    manifest: Manifest | None
    kept: Mapping[str | None, list[Part]]
    is_rewritten: bool

    @property
    def parts(self) -> list[Part]:
        return self.manifest.parts if self.manifest is not None else []


def export_table(
    export: Export,
    catalog: Catalog,
    writer: Writer,
    processed: Place,
    run_id: str,
    waiting: Mapping[date, frozenset[str]],
    open_lake: Callable[[], Lake],
) -> Exported:
    builds = builds_of(writer, export, grain_of(catalog, export))
    try:
        lake = open_lake()
        before = _before(export, lake, processed)
        is_view = next(model.is_view for model in catalog.models if model.name == export.model)
        todo = todo_of(export, {} if is_view else before.kept, builds, waiting)  # what a view reads may be newer
        if before.is_rewritten and would_lose(before.parts, todo.left_out):
            return Exported(export.name, [], [], todo.held_back, NOT_WHOLE, visible=before.parts)
        return _brought_up_to_date(export, catalog, writer, processed, run_id, lake, before, todo)
    except LakeError as error:
        note(writer, export, [], [], str(error))
        return Exported(export.name, [], [], [], str(error))


def _brought_up_to_date(
    export: Export,
    catalog: Catalog,
    writer: Writer,
    processed: Place,
    run_id: str,
    lake: Lake,
    before: _TableBefore,
    todo: Todo,
) -> Exported:
    from vending_platform.lake.history import current_state

    name = table_of(export)
    parts: list[Part] = []
    columns = before.manifest.columns if before.manifest is not None else []
    if todo.due:
        parts, columns = _write(export, catalog, writer, processed, run_id, lake, before, todo)
    known = {(part.day, part.sha256): part for parts_of_day in before.kept.values() for part in parts_of_day}
    written = [part for part in parts if (part.day, part.sha256) not in known]
    kept = {day: parts for day, parts in before.kept.items() if day not in {build.key for build in todo.due}}
    kept |= by_day(known.get((part.day, part.sha256), part) for part in parts)
    visible = [part for day in sorted(kept, key=str) for part in kept[day]]
    note(writer, export, written, todo.held_back, None)
    if visible != before.parts or before.is_rewritten:
        manifest = _manifest(export, lake, columns, visible, run_id)
        processed.write(manifest_path(export.name), MANIFEST.dump_json(manifest, indent=1))
    _sweep(export, processed, visible)
    return Exported(
        export.name,
        written,
        [],
        todo.held_back,
        is_rewritten=before.is_rewritten and bool(before.parts),
        visible=visible,
        table=current_state(lake.load(name)) if lake.has(name) else None,
    )


def table_of(export: Export) -> TableName:
    return TableName(export.namespace, export.model)


def _before(export: Export, lake: Lake, processed: Place) -> _TableBefore:
    manifest = read_manifest(processed, export.name)
    name = table_of(export)
    uuid = str(lake.load(name).metadata.table_uuid) if lake.has(name) else None
    is_current = manifest is not None and manifest.is_of(export) and manifest.table_uuid == uuid
    kept = by_day(manifest.parts) if manifest is not None and is_current else {}
    return _TableBefore(manifest, kept, is_rewritten=not is_current)


def _write(
    export: Export,
    catalog: Catalog,
    writer: Writer,
    processed: Place,
    run_id: str,
    lake: Lake,
    before: _TableBefore,
    todo: Todo,
) -> tuple[list[Part], list[dict[str, str]]]:
    """All that is due, in one commit. Its parts, and its columns."""
    from vending_platform.lake.changes import NO_ROWS, EveryRow, change_rows, synchronize, write_rows
    from vending_platform.lake.history import SOURCE
    from vending_platform.lake.tables import ensure_table

    name, new = table_of(export), NO_ROWS
    parts: list[Part] = []
    columns: list[dict[str, str]] = []
    summary = {SOURCE: f"{export.schema_name}.{export.model}, run {run_id}"}
    with closing(prefetched(contents(writer, catalog, export, todo.due))) as batches:
        for batch in batches:
            rows = pa.concat_tables([as_left(export, content.rows) for content in batch])
            if not columns:
                columns = described(export, batch[0].rows)
                ensure_table(lake, name, rows.schema, _layout(export), _descriptions(export, columns))
            if export.key:
                synchronize(lake, name, rows, summary)
            else:
                new += write_rows(lake, name, rows)
            parts += [_part(export, processed, content) for content in batch if content.rows.num_rows]
    if export.key:
        return parts, columns
    days = pa.table({str(export.partition_by): pa.array([build.day for build in todo.due], pa.date32())})
    is_whole = before.is_rewritten or export.partition_by is None
    if new.count != (rows_of_parts := sum(part.rows for part in parts)):
        raise ExportError(f"{name.plain}: {new.count} of {rows_of_parts} rows were written; nothing changed")
    change_rows(lake, name, new, EveryRow() if is_whole else days, summary)
    return parts, columns


def _layout(export: Export) -> LakeLayout:
    return LakeLayout(key=export.key, partitioning=export.partitioning, renamed=export.renamed)


def _descriptions(export: Export, columns: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Of the columns under the names that they have in the table."""
    return {
        column["name"]: text
        for column in columns
        if (text := export.column_descriptions.get(column.get("column", column["name"])))
    }


def _part(export: Export, processed: Place, content: ExportRows) -> Part:
    build = content.build
    sink = pa.BufferOutputStream()
    rows = as_left(export, content.rows).combine_chunks()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
    return Part(
        day=build.key,
        path=path_of(export, build.key, None, sha256),
        rows=rows.num_rows,
        bytes=rows.nbytes,
        sha256=sha256,
        raw_version=build.raw_version,
        raw_files=write_raw_files(export, processed, content),
        built_at=build.built_at,
        checks_passed=build.checks_passed,
        raw_days=content.raw_days,
    )


def _manifest(export: Export, lake: Lake, columns: list[dict[str, str]], visible: list[Part], run_id: str) -> Manifest:
    name = table_of(export)
    return Manifest(
        export.name,
        export.model,
        export.description,
        export.owner,
        export.format,
        None,
        columns,
        visible,
        run_id,
        contract=export.contract,
        partition_by=export.partition_by,
        table_uuid=str(lake.load(name).metadata.table_uuid) if lake.has(name) else None,
    )


def _sweep(export: Export, processed: Place, visible: Iterable[Part]) -> None:
    needed = {manifest_path(export.name), *paths_of(visible)}
    for path in {file.path for file in processed.files(export.name)} - needed:
        processed.delete(path)
