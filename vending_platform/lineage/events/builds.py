"""Events of dbt's models, seeds and tests: each is a run within the transformation."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from vending_platform.lineage.events.facets import Assertion, Facets, facets, nominal_time
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.runs import Dataset, LineageRun
from vending_platform.lineage.outbox import EventType as State
from vending_platform.transformation import Finished, NodeResult, NodeStarted, WindowDone

_TABLES = ("model", "seed", "snapshot")


class BuildEvents:
    """Of one transformation, which may run a node in several windows: each time is a run."""

    def __init__(self, within: LineageRun, knowledge: Knowledge) -> None:
        self._within, self._knowledge = within, knowledge
        self._open: dict[str, LineageRun] = {}
        self._finished_at: dict[str, datetime] = {}
        self._failed: list[str] = []

    @property
    def problem(self) -> str | None:
        """Why the transformation failed, if it did."""
        return f"not good: {', '.join(self._failed)}" if self._failed else None

    def started(self, event: NodeStarted, now: datetime) -> list[dict[str, Any]]:
        declared = self._knowledge.node(event.unique_id)
        if declared is None:
            return []
        kind = declared["resource_type"]
        name = f"{declared['schema']}.{declared['name']}" if kind in _TABLES else declared["name"]
        run = self._within.part(
            f"{kind}.{name}",
            job_facets=self._knowledge.of_code(declared, kind.upper()),
            inputs=tuple(self._inputs(declared)),
            outputs=(self._knowledge.datasets.output(event.unique_id),) if kind in _TABLES else (),
        )
        self._open[event.unique_id] = run
        return [run.event(State.START, now)]

    def finished(self, event: Finished, now: datetime) -> None:
        self._finished_at[event.unique_id] = now

    def ended(self, done: WindowDone, now: datetime) -> list[dict[str, Any]]:
        """The ends of what the window ran; what was skipped never started."""
        events = []
        for result in done.results:
            run = self._open.pop(result.unique_id, None)
            declared = self._knowledge.node(result.unique_id)
            if not result.is_good and result.status != "skipped":
                self._failed.append(result.name)
            if run is None or declared is None:
                continue
            problem = None if result.is_good else self._problem(result)
            state = State.COMPLETE if problem is None else State.FAIL
            if result.kind in _TABLES:
                run = self._of_table(run, declared, result, done)
            else:
                run = self._of_test(run, declared, result)
            events.append(run.event(state, self._finished_at.pop(result.unique_id, now), problem))
        return events

    def aborted(self, now: datetime, problem: str) -> list[dict[str, Any]]:
        """The ends of all that is open when the transformation itself fails."""
        events = [run.event(State.ABORT, now, problem) for run in self._open.values()]
        self._open.clear()
        return events

    def _of_table(
        self, run: LineageRun, declared: Mapping[str, Any], result: NodeResult, done: WindowDone
    ) -> LineageRun:
        days = {day: rows for (model, day), rows in done.rows.items() if model == declared["name"]}
        statistics = facets(outputStatistics={"rowCount": sum(days.values())}) if days else {}
        output = self._knowledge.datasets.output(result.unique_id, statistics if result.is_good else None)
        return run.with_results(
            outputs=[output],
            run_facets=facets(nominalTime=nominal_time(_days_of(declared["name"], done))),
            job_facets=self._knowledge.sql_of(declared),
        )

    def _of_test(self, run: LineageRun, declared: Mapping[str, Any], result: NodeResult) -> LineageRun:
        found = _assertion(declared, result)
        asserted = facets(dataQualityAssertions={"assertions": [found]})
        tested = {
            "name": result.name,
            "status": "pass" if found["success"] else "fail",
            "severity": found.get("severity"),
            "type": found["assertion"],
        }
        return run.with_results(
            inputs=list(self._inputs(declared, asserted)),
            run_facets=facets(test={"tests": [{key: value for key, value in tested.items() if value}]}),
        )

    def _inputs(self, declared: Mapping[str, Any], input_facets: Facets | None = None) -> Iterator[Dataset]:
        if declared["resource_type"] == "unit_test":
            return  # its rows are written in the project, not read from a table
        manifest = self._knowledge.manifest
        for parent in dict.fromkeys(declared.get("depends_on", {}).get("nodes", ())):
            if parent in manifest["sources"] or manifest["nodes"].get(parent, {}).get("resource_type") in _TABLES:
                yield self._knowledge.datasets.input(parent, input_facets)

    def _problem(self, result: NodeResult) -> str:
        if result.status == "fail" and result.failures is not None:
            return f"{result.failures} failing rows"
        return self._knowledge.message(result.message or result.status)


def _days_of(model: str, done: WindowDone) -> list[date | None]:
    return list(done.window.built.get(model, ()))


def _assertion(declared: Mapping[str, Any], result: NodeResult) -> Assertion:
    about = declared.get("test_metadata") or {}
    found = Assertion(assertion=about.get("name") or declared["resource_type"], success=result.status in _PASSED)
    found["name"] = result.name
    found["severity"] = str(declared.get("config", {}).get("severity") or "error").lower()
    if column := declared.get("column_name"):
        found["column"] = column
    if description := " ".join((declared.get("description") or "").split()):
        found["description"] = description
    return found


_PASSED = ("pass", "success")
