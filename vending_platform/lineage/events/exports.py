"""Events of exports: a run for each export of which something was written, removed or held back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from vending_platform.catalog import Export, Format, period_of
from vending_platform.exporting import Exported, table_of
from vending_platform.lineage.columns import Influence
from vending_platform.lineage.events.column_facets import columns_facet, input_field
from vending_platform.lineage.events.datasets import DatasetName
from vending_platform.lineage.events.facets import Facet, Facets, facets, nominal_time
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.lake_tables import lake_table
from vending_platform.lineage.events.runs import LineageRun
from vending_platform.lineage.outbox import EventType as State


def export_runs(
    within: LineageRun, knowledge: Knowledge, done: Sequence[Exported]
) -> Iterator[tuple[LineageRun, State, str | None]]:
    """Each with how it ended. Days that a failed check holds back are a failure: readers do not get what was built."""
    declared = {export.name: export for export in knowledge.catalog.exports}
    for exported in done:
        problem = exported.problem
        if problem is None and exported.held_back:
            problem = f"held back, because a check of its mart failed: {', '.join(exported.held_back)}"
        if not (exported.written or exported.removed or problem) or exported.name not in declared:
            continue
        run = _run(within, knowledge, declared[exported.name], exported)
        yield run, State.COMPLETE if problem is None else State.FAIL, problem and knowledge.message(problem)


def _run(within: LineageRun, knowledge: Knowledge, export: Export, exported: Exported) -> LineageRun:
    rows = sum(part.rows for part in exported.written)
    model = knowledge.model_id(export)
    statistics = facets(
        outputStatistics={
            "rowCount": rows,
            "size": sum(part.bytes for part in exported.written),
            "fileCount": len(exported.written),
        }
    )
    exposure = knowledge.exposure(export)
    columns = columns_of_export(knowledge.manifest["nodes"][model], export)
    lineage = _lineage(knowledge, model, export, columns)
    kind = _kind(knowledge, export, exported)
    return within.part(
        f"{within.job}.{export.name}",
        job_facets=knowledge.of_code(exposure, "EXPORT") if exposure is not None else {},
        run_facets=facets(nominalTime=nominal_time(_day(part.day) for part in exported.written)),
        inputs=(knowledge.datasets.input(model, facets(inputStatistics={"rowCount": rows})),),
        outputs=(knowledge.datasets.exported(export, kind, columns, lineage, statistics),) if kind is not None else (),
    )


def _kind(knowledge: Knowledge, export: Export, exported: Exported) -> tuple[DatasetName, Facets] | None:
    """Files, or a table of the lake; None where there is no lake."""
    environment = knowledge.environment
    if export.format is not Format.ICEBERG:
        return knowledge.datasets.files_of_export(export)
    if environment.lake is None:
        return None
    name, found = lake_table(environment, environment.lake, table_of(export))
    snapshot = exported.table.snapshot_id if exported.table is not None else None
    return name, {**found, **facets(version={"datasetVersion": str(snapshot)} if snapshot is not None else None)}


def _lineage(knowledge: Knowledge, model: str, export: Export, columns: Sequence[Mapping[str, str]]) -> Facet:
    """Each column leaves as it is, in other words, or as numbers that mean something within one file only."""
    table = knowledge.datasets.table(model)
    translated = {column.name for column in export.columns if column.values} | set(export.mask)
    suppressed = set(export.suppress.columns) if export.suppress is not None else set()
    found = {}
    for one in columns:
        name = one["column"]
        how = Influence.TRANSFORMATION if name in translated | suppressed else Influence.IDENTITY
        shown = knowledge.datasets.column(name)
        fields = [input_field(*table, shown, {how}, is_masked=name in export.mask)]
        if name in suppressed and export.suppress is not None:
            count = knowledge.datasets.column(export.suppress.count)
            fields.append(input_field(*table, count, {Influence.CONDITIONAL}))
        found[one["name"]] = iter(fields)
    ordered = (input_field(*table, knowledge.datasets.column(name), {Influence.SORT}) for name, _ in export.ordered_by)
    return columns_facet(found, ordered)


def columns_of_export(model: Mapping[str, Any], export: Export) -> list[dict[str, str]]:
    """Name in the files and column of the model, in the order of the files."""
    titles = {column.name: column.title for column in export.columns}
    return [{"name": titles.get(name, name), "column": name} for name in export.leaving(model["columns"])]


def _day(day: str | None) -> date | None:
    return period_of(day) if day is not None else None
