"""`python -m benchmarks [NAME …]`: all benchmarks, or those named."""

import sys
import tempfile
from pathlib import Path

from benchmarks.arriving import arriving
from benchmarks.building import backfill, running
from benchmarks.growing import growing
from benchmarks.loading import large, loading, memory
from benchmarks.table import show

BENCHMARKS = {
    "loading": loading,
    "memory": memory,
    "large": large,
    "running": running,
    "backfill": backfill,
    "growing": growing,
    "arriving": arriving,
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
