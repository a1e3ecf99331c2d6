"""Where everything meets: what `dg` and `dagster` load, a code location for each domain, for the environment that the
settings name.

That is what the domain's dbt project declares, and what a team adds in `defs/`. Besides `definitions`, of the domain
that the settings choose, the module has an attribute of each domain's name: `workspace.yaml` names them.
"""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from vending_platform import defs
from vending_platform.alerts import log_as_json
from vending_platform.analysis import NotInstalled, load_pipelines
from vending_platform.environment import PROJECT_DIR, Environment, UnknownDomain, load
from vending_platform.opening import Platform, open_platform
from vending_platform.orchestration import assemble, described, pipeline_definitions
from vending_platform.warehouse import noisy_loggers


def build_definitions(environment: Environment, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors of one environment. `overrides` replaces resources by name."""
    platform = open_platform(environment)
    declared = assemble(platform, overrides or {}, described(platform))
    with warnings.catch_warnings():
        # Dagster imports every library that brings components. One of them has its own copy of requests, which doubts
        # all newer libraries, where everybody sees it.
        warnings.filterwarnings("ignore", message="urllib3 .* doesn't match a supported version")
        own = dg.load_from_defs_folder(path_within_project=PROJECT_DIR)
    return dg.Definitions.merge(declared, own, _functions(platform))


def _functions(platform: Platform) -> dg.Definitions:
    """Those of the domain; none where Hamilton is not installed."""
    try:
        pipelines = load_pipelines(f"{defs.__name__}.{platform.environment.domain}.analysis")
    except NotInstalled as missing:
        logging.getLogger(__name__).warning("The assets of functions are left out: %s", missing)
        return dg.Definitions()
    return pipeline_definitions(pipelines, platform)


@dg.definitions
def definitions() -> dg.Definitions:
    return _definitions_of(None)


def __getattr__(name: str) -> dg.Definitions:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return _definitions_of(name)
    except UnknownDomain as error:
        raise AttributeError(str(error)) from None


def _definitions_of(domain: str | None) -> dg.Definitions:
    environment = load(domain)
    if environment.cloud_logs:
        log_as_json(logging.getLogger(), noisy_loggers())
    return build_definitions(environment)
