"""Raw rows become marts: dbt, in this process, for exactly the days that changed raw rows reach.

`transform` builds what is stale, `run_tests` runs single tests of what is built. `stale` says what is older than its
rows, `verdicts` how the last builds went, `unproven` what no build has shown to be right yet. Which raw content a day
rests on is in `versions`.
"""

from vending_platform.ledger import verdicts
from vending_platform.transformation.blocking import BlockedDay, blocked_days
from vending_platform.transformation.dbt import Project, TransformationError, check_connection
from vending_platform.transformation.planning import BuildPlan, Why, Work
from vending_platform.transformation.results import (
    Finished,
    NodeResult,
    NodeStarted,
    Transformed,
    WindowDone,
    note_build,
    noted_builds,
)
from vending_platform.transformation.running import (
    blocked,
    built_versions,
    code_changes,
    delivered_versions,
    stale,
    transform,
    unproven,
)
from vending_platform.transformation.single_tests import run_tests
from vending_platform.transformation.staleness import Window

__all__ = [
    "BlockedDay",
    "BuildPlan",
    "Finished",
    "NodeResult",
    "NodeStarted",
    "Project",
    "TransformationError",
    "Transformed",
    "Why",
    "Window",
    "WindowDone",
    "Work",
    "blocked",
    "blocked_days",
    "built_versions",
    "check_connection",
    "code_changes",
    "delivered_versions",
    "note_build",
    "noted_builds",
    "run_tests",
    "stale",
    "transform",
    "unproven",
    "verdicts",
]
