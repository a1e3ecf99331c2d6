"""A second attempt does what is left of the first: by Dagster itself, by a person's click, in any process.

What is left is not remembered here. A file that could not be loaded is still new, a model that failed or was skipped
is still older than the run that was to build it, an export that could not be written still differs from its mart.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import uniform

import dagster as dg

from vending_platform.errors import EXPECTED, is_transient

_FIRST_WAIT, _LONGEST_WAIT = 30, 600
"""Seconds."""


@dataclass(frozen=True)
class StepFailure:
    """What did not succeed. What is transient is retried: a lost connection is, a broken rule is not."""

    text: str
    is_transient: bool = False


@dataclass
class Attempt:
    """What the steps of this run did in this process; another run, and another process, has one of its own."""

    steps: list[str] = field(default_factory=list)
    failures: list[StepFailure] = field(default_factory=list)

    def note(self, step: str, failures: Iterable[StepFailure]) -> None:
        self.steps.append(step)
        self.failures += failures


def begun_at(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> datetime:
    """When the first of these attempts began: what was built well since then need not be built again by another one."""
    run = context.run
    record = context.instance.get_run_record_by_id(run.root_run_id or run.run_id)
    # Not when it was created: that is kept in whole seconds, and what was built just before would count as built since.
    started = record.start_time if record is not None else None
    return datetime.fromtimestamp(started, UTC) if started is not None else datetime.now(UTC)


def is_retry(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> bool:
    return context.retry_number > 0 or context.run.parent_run_id is not None


@contextmanager
def retrying(context: dg.OpExecutionContext | dg.AssetExecutionContext, retries: int) -> Iterator[None]:
    """A step that could not do its work because a warehouse, a store or a connection failed is retried."""
    try:
        yield
    except EXPECTED as error:
        failure = StepFailure(f"{type(error).__name__}: {error}", is_transient=is_transient(error))
        give_up_or_retry(context, [failure], retries, cause=error)


def settle(
    context: dg.OpExecutionContext, attempt: Attempt, steps: dict[str, Callable[[], list[StepFailure]]], retries: int
) -> None:
    """Succeed if every step did; else retry, or fail.

    Where this is the only step of a run (a re-execution from failure), or its own second attempt, the steps come
    first: all of them, as each does nothing where nothing is left.
    """
    again = context.retry_number > 0
    failures = [] if again else attempt.failures
    for name, step in steps.items():
        if again or name not in attempt.steps:
            failures = [*failures, *step()]
    if failures:
        give_up_or_retry(context, failures, retries)


def give_up_or_retry(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    failures: Iterable[StepFailure],
    retries: int,
    *,
    cause: Exception | None = None,
) -> None:
    """Always raises."""
    failures = list(failures)
    text = "\n".join(dict.fromkeys(failure.text for failure in failures))
    number = context.retry_number
    if number < retries and any(failure.is_transient for failure in failures):
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2**number) * uniform(0.75, 1.25)
        context.log.warning(f"Trying what is left again in {wait:.0f} seconds ({number + 1} of {retries}):\n{text}")
        raise dg.RetryRequested(max_retries=retries, seconds_to_wait=wait) from dg.Failure(text)
    raise dg.Failure(text, allow_retries=False) from cause
