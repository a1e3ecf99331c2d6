"""Lineage as text."""

from collections.abc import Sequence
from datetime import datetime

from vending_platform.lineage import Direction, OutboxState, Sent, Step


def outbox_view(state: OutboxState, now: datetime) -> str:
    lines = []
    if state.waiting and state.oldest is not None:
        minutes = (now - datetime.fromisoformat(state.oldest)).total_seconds() / 60
        lines.append(
            f"{state.waiting:,} events wait to be sent, the oldest for {minutes:,.0f} minutes: vending lineage flush"
        )
    else:
        lines.append("No event waits to be sent.")
    if state.problem is not None:
        lines.append(f"The last {state.failures:,} attempts failed: {state.problem}")
    if state.refused:
        lines.append(f"{state.refused:,} events were refused and are kept: vending lineage flush --refused")
    if state.open_runs:
        lines.append(f"{state.open_runs:,} runs are under way, or were killed.")
    if state.sent_at is not None:
        lines.append(f"Last sent: {state.sent_at}")
    return "\n".join(lines)


def sent_view(sent: Sent) -> str:
    if sent.is_busy:
        return "Another process is sending."
    lines = [f"{sent.events:,} events sent."]
    if sent.refused:
        lines.append(f"{sent.refused:,} events were refused and are kept: vending lineage status")
    if sent.problem is not None:
        lines.append(f"The rest waits: {sent.problem}")
    return "\n".join(lines)


def way_view(of: object, steps: Sequence[Step], direction: Direction, *, unknown: int) -> str:
    """`unknown` is the number of models whose columns are not known."""
    is_up = direction is Direction.UPSTREAM
    begin = f"{of} {'comes from' if is_up else 'is used by'}"
    lines = [begin if steps else f"{begin} nothing that is known."]
    for step in steps:
        how = ", ".join(one.lower().replace("_", " ") for one in step.how)
        lines.append(f"{'  ' * step.distance}{step.point}" + (f"  ({how})" if how else ""))
    if unknown:
        lines.append(f"Of {unknown:,} models the columns are not known, as they were never built here: vending run")
    return "\n".join(lines)
