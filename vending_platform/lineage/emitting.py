"""One run of a job, whose events are recorded while it lasts and sent beside it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from vending_platform import stopping
from vending_platform.catalog import Catalog
from vending_platform.environment import Environment
from vending_platform.lineage.events import Knowledge, LineageObserver, lost, run_id_of, with_column_lineage
from vending_platform.lineage.outbox import (
    Courier,
    EventType,
    Outbox,
    OutboxState,
    OutboxWriter,
    Sent,
    end_lost_runs,
    open_transport,
    send,
)
from vending_platform.observers import Observer

_STOPPED = "A person stopped the run."
SILENT = Observer()


@contextmanager
def emitting(
    environment: Environment,
    manifest: dict[str, Any],
    catalog: Callable[[], Catalog],
    *,
    run_id: str,
    job: str,
    problems: Callable[[], Sequence[str] | None],
    on_problem: Callable[[str], None],
) -> Iterator[Observer]:
    """An observer for one run: `problems` gives at its end why it failed, None if a person stopped it. What can't be
    recorded or sent fails no run; `on_problem` hears of it."""
    with ExitStack() as stack:
        try:
            observer = _begun(environment, manifest, catalog, run_id, job, on_problem, stack)
        except Exception as error:  # the disk is full, or not ours: lineage is no reason not to work
            on_problem(f"Lineage events of this run are not recorded: {type(error).__name__}: {error}")
            observer = None
        if observer is None:
            yield SILENT
            return
        try:
            with stopping.before_stopping(lambda: observer.end(EventType.ABORT, _STOPPED)):
                yield observer
        except BaseException as error:
            failed = isinstance(error, Exception)
            observer.end(EventType.FAIL if failed else EventType.ABORT, f"{type(error).__name__}: {error}")
            raise
        known = problems()
        if known is None:
            observer.end(EventType.ABORT, _STOPPED)
        else:
            observer.end(EventType.FAIL if known else EventType.COMPLETE, "; ".join(known) or None)


def flush(
    environment: Environment,
    *,
    patient: bool = False,
    refused: bool = False,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Sent | None:
    """End the runs of killed processes, and send what waits, with `refused` also what the backend did not take before;
    None where the environment makes no events."""
    if (target := environment.lineage) is None:
        return None
    with Outbox(target.outbox) as outbox:
        end_lost_runs(outbox, lambda start: lost(start, datetime.now(UTC)))
        if refused:
            outbox.offer_again()
        transport = open_transport(environment, target, outbox.name)
        try:
            return send(outbox, transport, with_column_lineage(environment), patient=patient, may_go_on=may_go_on)
        finally:
            transport.close()


def outbox_state(environment: Environment) -> OutboxState | None:
    """What waits; None where the environment makes no events."""
    if (target := environment.lineage) is None:
        return None
    with Outbox(target.outbox) as outbox:
        return outbox.state()


def _begun(
    environment: Environment,
    manifest: dict[str, Any],
    catalog: Callable[[], Catalog],
    run_id: str,
    job: str,
    on_problem: Callable[[str], None],
    stack: ExitStack,
) -> LineageObserver | None:
    if (target := environment.lineage) is None:
        return None
    outbox = stack.enter_context(Outbox(target.outbox))
    end_lost_runs(outbox, lambda start: lost(start, datetime.now(UTC)))
    courier = Courier(
        target.outbox,
        lambda mine: open_transport(environment, target, mine.name),
        with_column_lineage(environment),
    )
    stack.callback(courier.finish)
    writer = stack.enter_context(OutboxWriter(outbox))
    knowledge = Knowledge(environment, manifest, catalog(), environment.scratch / "dbt" / "compiled")
    observer = LineageObserver(knowledge.root(run_id_of(run_id), job), writer, knowledge, on_problem)
    observer.begin()
    return observer
