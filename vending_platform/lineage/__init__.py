"""Where data comes from and goes to: OpenLineage events of everything that runs, the columns that columns are made of,
and provenance, from a number back to its file and line."""

from vending_platform.lineage.columns import ColumnRef, Columns, column_lineage, columns_of
from vending_platform.lineage.emitting import emitting, flush, outbox_state
from vending_platform.lineage.graph import Direction, LineageGraph, Step, WrongName, lineage_graph
from vending_platform.lineage.outbox import OutboxState, Sent
from vending_platform.lineage.watching import outbox_finder

__all__ = [
    "ColumnRef",
    "Columns",
    "Direction",
    "LineageGraph",
    "OutboxState",
    "Sent",
    "Step",
    "WrongName",
    "column_lineage",
    "columns_of",
    "emitting",
    "flush",
    "lineage_graph",
    "outbox_finder",
    "outbox_state",
]
