"""Events of deliveries: a run for each source of which an ingestion changed something, from its files to its table."""

from collections.abc import Iterator

from vending_platform.catalog import Undeclared
from vending_platform.ingestion import FileVersion, Summary
from vending_platform.lineage.events.facets import facets, nominal_time
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.runs import LineageRun
from vending_platform.lineage.outbox import EventType as State


def delivery_runs(
    within: LineageRun, knowledge: Knowledge, summary: Summary
) -> Iterator[tuple[LineageRun, State, str | None]]:
    """Each with how it ended. What could neither be loaded nor put into quarantine is a failure."""
    unreadable: dict[str, list[str]] = {}
    for path, reason in summary.unreadable:
        unreadable.setdefault(_source_of(knowledge, path), []).append(reason)
    versions = [*summary.loaded, *summary.quarantined, *summary.withdrawn]
    names = {version.source for version in versions} | summary.blocked.keys() | unreadable.keys()
    for source in sorted(names - {""}):
        reasons = unreadable.get(source, [])
        problem = summary.blocked.get(source) or (
            f"{len(reasons)} files could not be read: {reasons[0]}" if reasons else None
        )
        run = _run(within, knowledge, summary, source, len(reasons))
        yield run, State.COMPLETE if problem is None else State.FAIL, problem and knowledge.message(problem)


def _run(within: LineageRun, knowledge: Knowledge, summary: Summary, source: str, unreadable: int) -> LineageRun:
    loaded = _of(source, summary.loaded)
    broken = _of(source, summary.quarantined)
    read = [*loaded, *broken]
    withdrawn = _of(source, summary.withdrawn)
    accepted = sum(version.rows_accepted for version in loaded)
    rejected = sum(version.rows_rejected for version in loaded)
    size = sum(version.size for version in read)
    declared = knowledge.manifest["sources"][knowledge.source_id(source)]
    contract, paths = knowledge.catalog.source(source), [version.path for version in read]
    held = {"assertion": "contract", "name": "contract_held", "success": not broken and not rejected}
    input_facets = facets(
        inputStatistics={"rowCount": accepted + rejected, "size": size, "fileCount": len(read)},
        dataQualityMetrics={
            "rowCount": accepted + rejected,
            "bytes": size,
            "fileCount": len(read),
            "columnMetrics": {},
        },
        dataQualityAssertions={"assertions": [{**held, "severity": "error"}]},
    )
    output_facets = facets(outputStatistics={"rowCount": accepted, "size": size, "fileCount": len(loaded)})
    return within.part(
        f"{within.job}.{source}",
        job_facets=knowledge.of_code(declared, "DELIVERY"),
        run_facets=facets(
            nominalTime=nominal_time(version.business_date for version in [*read, *withdrawn]),
            platform_deliveries={
                "loaded": len(loaded),
                "corrected": sum(version.file_id in summary.corrected for version in read),
                "quarantined": len(broken),
                "withdrawn": len(withdrawn),
                "unreadable": unreadable,
                "rowsAccepted": accepted,
                "rowsRejected": rejected,
            },
        ),
        inputs=(knowledge.datasets.deliveries(contract, paths, input_facets),),
        outputs=(knowledge.datasets.output(knowledge.source_id(source), output_facets if loaded else None),),
    )


def _of(source: str, versions: list[FileVersion]) -> list[FileVersion]:
    return [version for version in versions if version.source == source]


def _source_of(knowledge: Knowledge, path: str) -> str:
    """Empty where no contract takes the name."""
    found = knowledge.catalog.identify(path)
    return "" if isinstance(found, Undeclared) else found[0].name
