"""Where everything meets: what `dg` and `dagster` load, for the environment that the settings name.

That is what the dbt project declares, and what a team adds in `defs/`.
"""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from vending_platform.alerts import log_as_json
from vending_platform.environment import PROJECT_DIR, Environment, load
from vending_platform.orchestration import assemble, described
from vending_platform.platform import open_platform


def build_definitions(environment: Environment, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors of one environment. `overrides` replaces resources by name."""
    platform = open_platform(environment)
    declared = assemble(platform, overrides or {}, described(platform))
    with warnings.catch_warnings():
        # Dagster imports every library that brings components. Snowflake's has its own copy of requests, which doubts
        # all newer libraries, where everybody sees it.
        warnings.filterwarnings("ignore", message="urllib3 .* doesn't match a supported version")
        own = dg.load_from_defs_folder(path_within_project=PROJECT_DIR)
    return dg.Definitions.merge(declared, own)


@dg.definitions
def definitions() -> dg.Definitions:
    environment = load()
    if environment.cloud_logs:
        log_as_json(logging.getLogger())
    return build_definitions(environment)
