"""What the files of an export hold: the rows of a model's days, and the deliveries that these rest on.

Days are read some weeks at a time: a query for each would spend a year on asking, and one for all on remembering.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import pyarrow as pa

from vending_platform.catalog import Catalog, Export, Grain
from vending_platform.exporting.shaping import sort_keys
from vending_platform.ledger import ModelBuild, builds_of_model, files_with_rows, used_files
from vending_platform.warehouse import Reader, TableName

_ROWS_AT_ONCE = 100_000

RawFile = dict[str, str]
"""A delivery's path, file_id and sha256."""


@dataclass(frozen=True)
class ExportRows:
    """The rows of one build, always in the same order, so that equal rows are equal bytes."""

    build: ModelBuild
    rows: pa.Table
    raw_files: list[RawFile]
    raw_days: dict[str, list[str]]
    """Of each source of which it rests on more days than its own: the first and the last."""


def grain_of(catalog: Catalog, export: Export) -> Grain:
    """Whether its model is built by day or by month."""
    return next(model.grain for model in catalog.models if model.name == export.model)


def builds_of(reader: Reader, export: Export, grain: Grain = Grain.DAY) -> list[ModelBuild]:
    builds = builds_of_model(reader, export.model, grain)
    if export.is_by_month:
        return [
            _month(month, list(of_month)) for month, of_month in groupby(builds, key=_month_of) if month is not None
        ]
    if export.partition_by is not None or not builds:
        return builds
    last = max(build.built_at for build in builds)
    return [ModelBuild(None, _version(builds), all(build.checks_passed for build in builds), last)]


def _month(month: date, builds: Sequence[ModelBuild]) -> ModelBuild:
    """All builds of a month as one. When it was built tells also how many days it has, as one may be built later than
    another and the last one be the same."""
    rows = [build.row_count for build in builds]
    return ModelBuild(
        month,
        _version(builds),
        all(build.checks_passed for build in builds),
        f"{max(build.built_at for build in builds)} ({len(builds)})",
        None if None in rows else sum(row for row in rows if row is not None),
        Grain.MONTH,
    )


def _month_of(build: ModelBuild) -> date | None:
    return Grain.MONTH.start(build.day) if build.day is not None else None


def _version(builds: Sequence[ModelBuild]) -> str:
    """What all of these rested on."""
    versions = "".join(f"{build.day}{build.raw_version}" for build in builds)
    return hashlib.sha256(versions.encode()).hexdigest()[:16] if all(build.is_finished for build in builds) else ""


def contents(
    reader: Reader, catalog: Catalog, export: Export, builds: Sequence[ModelBuild]
) -> Iterator[tuple[ExportRows, ...]]:
    """The content of each of these builds, in their order, some at a time."""
    if not builds:
        return
    raw_files = _raw_files(reader, catalog, export, builds)
    if export.partition_by is None:
        (build,) = builds
        yield (ExportRows(build, _rows(reader, export, builds), raw_files[None], {}),)
        return
    if export.is_by_month:
        for build in builds:
            yield (
                ExportRows(
                    build, _rows(reader, export, [build]), raw_files[build.day], _raw_days(catalog, export, build)
                ),
            )
        return
    table = TableName(export.schema_name, export.model)
    counted = reader.query(
        f"select {export.partition_by} as day, count(*) as n from {table}"
        f" where {_within(export.partition_by, builds)} group by 1"
    )
    sizes = {row["day"]: int(row["n"]) for row in counted.to_pylist()}
    for batch in _batches(builds, sizes):
        rows, start, found = _rows(reader, export, batch), 0, []
        for build in batch:
            size = sizes.get(build.day, 0)
            days = _raw_days(catalog, export, build)
            found.append(ExportRows(build, rows.slice(start, size), raw_files[build.day], days))
            start += size
        yield tuple(found)


def _rows(reader: Reader, export: Export, builds: Sequence[ModelBuild]) -> pa.Table:
    """They are put in order here, so that no warehouse has a say in it."""
    day = export.partition_by
    where = f" where {_within(day, builds)}" if day is not None else ""
    if export.is_by_month:
        (build,) = builds
        assert build.day is not None
        where = f" where {day} between date '{build.day}' and date '{build.grain.end(build.day)}'"
    rows = reader.unloaded(f"select * from {TableName(export.schema_name, export.model)}{where}")
    # Where a day's rows lie in memory must not show in its file.
    return rows.sort_by(sort_keys(export, rows.column_names)).combine_chunks()


def _batches(builds: Iterable[ModelBuild], sizes: Mapping[date | None, int]) -> Iterator[list[ModelBuild]]:
    batch: list[ModelBuild] = []
    rows = 0
    for build in builds:
        size = sizes.get(build.day, 0)
        if batch and rows + size > _ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
        batch.append(build)
        rows += size
    yield batch


def _raw_files(
    reader: Reader, catalog: Catalog, export: Export, builds: Sequence[ModelBuild]
) -> dict[date | None, list[RawFile]]:
    """Per build: the day's own files, those with rows of the day, and every kept version of the masters.

    For a page only the masters: the files of a month are hundreds of thousands, and would be listed again every day."""
    model = next(model for model in catalog.models if model.name == export.model)
    sources = [source for source in catalog if source.name in model.files_of]
    by_row = [source for source in sources if source.has_days and not source.is_dated and export.partition_by]
    daily = [source.name for source in sources if source.is_dated]
    days = None if export.partition_by is None else [build.day for build in builds if build.day is not None]
    if export.is_by_month:
        sources, days, by_row = [source for source in sources if not source.has_days], None, []
    files = used_files(reader, [source.name for source in sources if source not in by_row], daily, days)
    if by_row and days is not None:
        files += files_with_rows(reader, [source.name for source in by_row], days)
    found: dict[date | None, list[RawFile]] = defaultdict(list)
    for file in files:
        day = file.day if export.partition_by is not None else None
        found[day].append({"path": file.path, "file_id": file.file_id, "sha256": file.sha256})
    of_every_day = found[None]
    return {
        build.day: sorted(found[build.day] + of_every_day, key=lambda file: (file["path"], file["file_id"]))
        if build.day is not None
        else of_every_day
        for build in builds
    }


def _raw_days(catalog: Catalog, export: Export, build: ModelBuild) -> dict[str, list[str]]:
    """Their files are not listed: a day of a mart that looks back over weeks would list those of all these weeks."""
    model = next(model for model in catalog.models if model.name == export.model)
    day = build.day
    if day is None:
        return {}
    daily = sorted(source.name for source in catalog if source.has_days and source.name in model.sources)
    if export.is_by_month:
        return {source: list(map(str, model.raw_days(source, day, build.grain.end(day)))) for source in daily}
    spans = {source: model.raw_days(source, day, day) for source in daily}
    return {source: list(map(str, span)) for source, span in spans.items() if span != (day, model.grain.end(day))}


def _within(column: str, builds: Sequence[ModelBuild]) -> str:
    """The condition for the builds' days; said as a range too, by which a warehouse can leave the others unread."""
    days = sorted(str(build.day) for build in builds)
    listed = ", ".join(f"date '{day}'" for day in days)
    return f"({column} between date '{days[0]}' and date '{days[-1]}' and {column} in ({listed}))"
