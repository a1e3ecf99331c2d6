"""Processes that a test may kill. They come from a server that has done the imports; Python has one for all."""

import multiprocessing
from multiprocessing.context import ForkServerContext

FORKED: ForkServerContext = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        *("dbt.cli.main", "dbt.adapters.duckdb"),
        *(
            f"vending_platform_tests.{room}.crashing"
            for room in ("extraction", "extraction.web", "ingestion", "end_to_end")
        ),
        "vending_platform_tests.deployment.test_lost_runs",
        "vending_platform_tests.lake.test_crashes",
    ]
)
