"""Lineage as text."""

from datetime import datetime

from vending_platform.lineage import OutboxState, Sent


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
