"""Events of extractions: a run for each source, from the system that it comes from to its files in the raw place."""

from collections.abc import Iterator
from datetime import date

from vending_platform.catalog import DeliveryMode, Source, Undeclared
from vending_platform.extraction import Extracted, ExtractionSummary
from vending_platform.lineage.columns import Influence
from vending_platform.lineage.events.column_facets import columns_facet, input_field
from vending_platform.lineage.events.facets import Facets, facets, nominal_time
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.runs import Dataset, LineageRun
from vending_platform.lineage.events.systems import extracted_from, own_columns
from vending_platform.lineage.outbox import EventType as State


def extraction_runs(
    within: LineageRun, knowledge: Knowledge, summary: ExtractionSummary
) -> Iterator[tuple[LineageRun, State, str | None]]:
    """Each with how it ended. Of a source without anything new the run has no datasets: nothing moved."""
    for one in summary.sources:
        run = _run(within, knowledge, knowledge.catalog.source(one.source), one)
        problem = one.problem
        yield run, State.COMPLETE if problem is None else State.FAIL, problem and knowledge.message(problem)
    for failure in summary.failures:
        problem = knowledge.message(f"{type(failure.error).__name__}: {failure}")
        for name in failure.sources:
            yield _run(within, knowledge, knowledge.catalog.source(name), None), State.FAIL, problem


def _run(within: LineageRun, knowledge: Knowledge, source: Source, done: Extracted | None) -> LineageRun:
    moved = done is not None and done.path is not None
    failed = done is None or done.problem is not None
    read = extracted_from(
        knowledge.environment,
        source,
        facets(inputStatistics={"rowCount": done.rows_read}) if done is not None and moved else {},
    )
    return within.part(
        f"{within.job}.{source.name}",
        job_facets=knowledge.of_code(knowledge.manifest["sources"][knowledge.source_id(source.name)], "EXTRACTION"),
        run_facets=facets(nominalTime=nominal_time([_day(knowledge, source, done)])) if done is not None else {},
        inputs=(read,) if read is not None and (moved or failed) else (),
        outputs=(_files(knowledge, source, done, read),) if done is not None and moved else (),
    )


def _files(knowledge: Knowledge, source: Source, done: Extracted, read: Dataset | None) -> Dataset:
    count = max(done.files, 1)
    statistics = facets(outputStatistics={"rowCount": done.rows, "size": done.bytes, "fileCount": count})
    paths = [done.path] if count == 1 and done.path is not None else []
    lineage: Facets = {}
    if read is not None:
        name = (read["namespace"], read["name"])
        found = {column: iter([input_field(*name, column, {Influence.IDENTITY})]) for column in own_columns(source)}
        lineage = {"columnLineage": columns_facet(found, iter(()))}
    return knowledge.datasets.delivered(source, paths, statistics, lineage)


def _day(knowledge: Knowledge, source: Source, done: Extracted) -> date | None:
    """Of a file for a day that day; else the day on which the system was as the file has it."""
    if source.files.delivery is not DeliveryMode.DAILY:
        return done.business_day
    if done.path is None or done.files > 1:
        return None
    found = knowledge.catalog.identify(done.path)
    return None if isinstance(found, Undeclared) else found[1].business_date
