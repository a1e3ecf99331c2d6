"""Raw rows become marts: dbt, in this process, for exactly the days that changed raw rows reach.

`transform` builds what is stale, `stale` says what that is, `verdicts` how the last builds went, `unproven` what no
build has shown to be right yet. Which raw content a day rests on is in `versions`.
"""

from vending_platform.transformation.adapters import DUCKDB, Adapter, snowflake
from vending_platform.transformation.blocking import Block, blocked_days
from vending_platform.transformation.planning import Plan, Why, Work
from vending_platform.transformation.results import NodeResult, Transformed, note_build, noted_builds
from vending_platform.transformation.running import (
    Project,
    TransformationError,
    blocked,
    check_connection,
    code_changes,
    stale,
    transform,
    unproven,
    verdicts,
)
from vending_platform.transformation.staleness import Window

__all__ = [
    "DUCKDB",
    "Adapter",
    "Block",
    "NodeResult",
    "Plan",
    "Project",
    "TransformationError",
    "Transformed",
    "Why",
    "Window",
    "Work",
    "blocked",
    "blocked_days",
    "check_connection",
    "code_changes",
    "note_build",
    "noted_builds",
    "snowflake",
    "stale",
    "transform",
    "unproven",
    "verdicts",
]
