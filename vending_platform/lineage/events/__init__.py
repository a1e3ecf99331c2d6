"""OpenLineage events of everything that runs: what ran, when, from what to what, how it ended and what was found."""

from vending_platform.lineage.events.column_facets import with_column_lineage
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.observer import LineageObserver
from vending_platform.lineage.events.runs import LineageRun, lost, run_id_of

__all__ = ["Knowledge", "LineageObserver", "LineageRun", "lost", "run_id_of", "with_column_lineage"]
