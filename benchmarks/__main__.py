"""`python -m benchmarks [NAME …]`: all benchmarks, or those named."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.arriving import arriving
from benchmarks.building import backfill, running
from benchmarks.dashboard import first_chart
from benchmarks.deciding import deciding, deciding_small
from benchmarks.exporting_items import exporting_items
from benchmarks.extracting import extracting
from benchmarks.finding import finding
from benchmarks.forecasting import forecasting, forecasting_large
from benchmarks.growing import growing
from benchmarks.loading import large, loading, memory
from benchmarks.packages import packages
from benchmarks.serving import serving
from benchmarks.shopping import shopping
from benchmarks.table import Row, show

BENCHMARKS: dict[str, Callable[[Path], list[Row]]] = {
    "loading": loading,
    "memory": memory,
    "large": large,
    "packages": packages,
    "running": running,
    "backfill": backfill,
    "growing": growing,
    "arriving": arriving,
    "extracting": extracting,
    "exporting_items": exporting_items,
    "finding": finding,
    "deciding": deciding,
    "deciding_small": deciding_small,
    "forecasting": forecasting,
    "forecasting_large": forecasting_large,
    "dashboard": first_chart,
    "shopping": shopping,
    "serving": serving,
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            rows += BENCHMARKS[name](Path(folder))
    show(rows)


main()
