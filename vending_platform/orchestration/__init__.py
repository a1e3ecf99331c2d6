"""Dagster: the same three things the platform does, as assets, checks, jobs, a sensor and a schedule.

The only room that knows Dagster. `assemble` gives all of it for one environment; `run_daily` is the `daily` job in this
process, for the terminal, with its history where the UI looks for it.
"""

from vending_platform.orchestration.asset_details import described
from vending_platform.orchestration.build import assemble
from vending_platform.orchestration.history import open_history, serve
from vending_platform.orchestration.in_process import look_and_alert, run_daily
from vending_platform.orchestration.partitions import business_days
from vending_platform.orchestration.pipelines import pipeline_assets, pipeline_definitions

__all__ = [
    "assemble",
    "business_days",
    "described",
    "look_and_alert",
    "open_history",
    "pipeline_assets",
    "pipeline_definitions",
    "run_daily",
    "serve",
]
