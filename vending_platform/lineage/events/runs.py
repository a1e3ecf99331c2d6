"""Run events: what runs, as part of what, from what to what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from vending_platform.lineage.events.facets import EVENT_SCHEMA, PRODUCER, Facets, error_message, facet, moment
from vending_platform.lineage.outbox import EventType

Dataset = Mapping[str, Any]
LOST = "The process of this run was killed, so how far it came is not known."


@dataclass(frozen=True)
class LineageRun:
    """One run of one job. `parent` is the run that it is part of."""

    job: str
    namespace: str
    id: str = field(default_factory=lambda: str(uuid4()))
    parent: "LineageRun | None" = None
    job_facets: Facets = field(default_factory=dict)
    run_facets: Facets = field(default_factory=dict)
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()

    @property
    def root(self) -> "LineageRun":
        return self if self.parent is None else self.parent.root

    def part(self, job: str, **more: Any) -> "LineageRun":
        """A run within this one."""
        return LineageRun(job, self.namespace, parent=self, **more)

    def with_results(
        self,
        *,
        inputs: Iterable[Dataset] | None = None,
        outputs: Iterable[Dataset] | None = None,
        run_facets: Facets | None = None,
        job_facets: Facets | None = None,
    ) -> "LineageRun":
        """What is known of it only now."""
        return replace(
            self,
            inputs=self.inputs if inputs is None else tuple(inputs),
            outputs=self.outputs if outputs is None else tuple(outputs),
            run_facets={**self.run_facets, **(run_facets or {})},
            job_facets={**self.job_facets, **(job_facets or {})},
        )

    def event(self, state: EventType, at: datetime, problem: str | None = None) -> dict[str, Any]:
        """`problem` is the message of a run that failed, fit to be read by anyone."""
        run_facets = dict(self.run_facets)
        if self.parent is not None:
            run_facets["parent"] = facet("parent", {**_named(self.parent), "root": _named(self.root)})
        if problem is not None:
            run_facets["errorMessage"] = facet("errorMessage", error_message(problem))
        return {
            "eventType": state.value,
            "eventTime": moment(at),
            "producer": PRODUCER,
            "schemaURL": EVENT_SCHEMA,
            "run": {"runId": self.id, "facets": run_facets},
            "job": {"namespace": self.namespace, "name": self.job, "facets": dict(self.job_facets)},
            "inputs": [_shown(state, dataset) for dataset in self.inputs],
            "outputs": [_shown(state, dataset) for dataset in self.outputs],
        }


def _shown(state: EventType, dataset: Dataset) -> Dataset:
    """At the start only the names: all that is known of it comes with the end, once."""
    if state is EventType.START:
        return {"namespace": dataset["namespace"], "name": dataset["name"]}
    return dataset


def run_id_of(name: str) -> str:
    """Of a run that is known by this name elsewhere: the same if it is a UUID already."""
    try:
        return str(UUID(name))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"urn:vending-platform:run:{name}"))


def lost(start: Mapping[str, Any], at: datetime, problem: str = LOST) -> dict[str, Any]:
    """The end of a run of which there is only the START event, and no process any more."""
    facets = {**start["run"]["facets"], "errorMessage": facet("errorMessage", error_message(problem))}
    ended = max(moment(at), start["eventTime"])
    return {
        **start,
        "eventType": EventType.ABORT.value,
        "eventTime": ended,
        "run": {**start["run"], "facets": facets},
    }


def _named(run: LineageRun) -> dict[str, Any]:
    return {"run": {"runId": run.id}, "job": {"namespace": run.namespace, "name": run.job}}
