"""Where OpenLineage events wait until a backend has them: written by runs, each step in one transaction, and sent by
the process that holds the right to send, in the order in which they were written."""

from vending_platform.lineage.outbox.courier import Courier
from vending_platform.lineage.outbox.sending import Sent, send
from vending_platform.lineage.outbox.store import END_STATES, EventType, Outbox, OutboxState, WaitingEvent
from vending_platform.lineage.outbox.transports import BackendDown, Refused, Transport, open_transport
from vending_platform.lineage.outbox.writers import OutboxWriter, end_lost_runs

__all__ = [
    "END_STATES",
    "BackendDown",
    "Courier",
    "EventType",
    "Outbox",
    "OutboxState",
    "OutboxWriter",
    "Refused",
    "Sent",
    "Transport",
    "WaitingEvent",
    "end_lost_runs",
    "open_transport",
    "send",
]
