"""How fast and how large loading packages is, compared with what DuckDB alone takes to read and insert the same rows.

DuckDB reads no CP932, so it gets the same files in UTF-8, with the types that the contracts declare.
"""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from benchmarks.loading import context_in
from benchmarks.measuring import memory_of, ratio, timed
from benchmarks.table import Row
from dpc_simulator import generate
from vending_platform.catalog import Catalog, load_catalog
from vending_platform.environment import PROJECT_DIR
from vending_platform.ingestion import Selection, ingest

PACKAGES = int(os.environ.get("BENCH_PACKAGES", "1000"))
ROUNDS = 2
_DOMAIN = PROJECT_DIR / "domains" / "dpc"
_TYPES = {"text": "varchar", "integer": "bigint", "date": "date"}


def packages(folder: Path) -> list[Row]:
    """A thousand packages of one month, about 20 million rows of procedures; and then one more."""
    rows = _write(folder, PACKAGES)
    catalog = load_catalog(_DOMAIN, folder / "manifest")
    ours, theirs, more = [], [], []
    for _ in range(ROUNDS):
        shutil.rmtree(folder / "warehouse", ignore_errors=True)
        (folder / "warehouse").mkdir()
        baseline, counted = timed(lambda: _baseline(folder, catalog))
        measured = _load(folder)
        assert counted == measured["rows"] == rows, "both sides hold the same rows"
        theirs.append(baseline)
        ours.append(measured["seconds"])
        more.append(measured["one more"])
    return [
        ratio(f"load {PACKAGES:,} packages, {rows:,} rows, against DuckDB's read_csv", ours, theirs, 1.5),
        memory_of(f"memory of loading {PACKAGES:,} packages", int(measured["memory"]), 2048),
        ratio("load one more, against one of them", more, [seconds / PACKAGES for seconds in ours], 30),
    ]


def _load(folder: Path) -> dict[str, float]:
    """In a process of its own, whose memory the kernel accounts for."""
    code = "import sys; from pathlib import Path; from benchmarks.packages import load_and_tell; "
    code += "load_and_tell(Path(sys.argv[1]))"
    measured = subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(measured.stdout)
    return found


def load_and_tell(folder: Path) -> None:
    """Load all packages, and one more, and print the rows, the seconds of both, and the greatest memory (in KiB)."""
    catalog = load_catalog(_DOMAIN, folder / "manifest")
    context = context_in(folder / "warehouse", folder / "sources", catalog)
    last = _paths(folder, PACKAGES)
    monthly = Selection(sources=frozenset(source.name for source in catalog if source.files.package is not None))
    hidden = folder / "last"
    last.rename(hidden)
    seconds, summary = timed(lambda: ingest(context, monthly))
    hidden.rename(last)
    more, another = timed(lambda: ingest(context, monthly))
    assert (len(summary.packages), len(another.packages)) == (PACKAGES - 1, 1)
    figures = {
        "rows": summary.rows_accepted + another.rows_accepted,
        "seconds": seconds,
        "one more": more,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    sys.stdout.write(json.dumps(figures))


def _paths(folder: Path, number: int) -> Path:
    return folder / "sources" / "yyyymm=202404" / f"{number:09d}"


def _write(folder: Path, count: int) -> int:
    """One made-up package under many numbers of hospitals: for DuckDB, in UTF-8, too. How many rows there are."""
    generate(folder / "base", hospitals=1, months=1, seed=3, cases=300, orders=67)
    (base,) = (folder / "base" / "sources" / "yyyymm=202404").iterdir()
    rows = 0
    for number in range(1, count + 1):
        target, code = _paths(folder, number), f"{number:09d}".encode()
        target.mkdir(parents=True)
        manifest = json.loads((base / "manifest.json").read_text())
        manifest["sender"] = code.decode()
        for listed in manifest["files"]:
            content = (base / listed["name"]).read_bytes().replace(base.name.encode(), code)
            listed["name"] = listed["name"].replace(base.name, code.decode())
            listed["sha256"] = hashlib.sha256(content).hexdigest()
            (target / listed["name"]).write_bytes(content)
            as_utf8 = folder / "utf-8" / listed["kind"] / listed["name"]
            as_utf8.parent.mkdir(parents=True, exist_ok=True)
            as_utf8.write_bytes(content.decode("cp932").encode())
            rows += int(listed["rows"])
        (target / "manifest.json").write_text(json.dumps(manifest))
    return rows


def _baseline(folder: Path, catalog: Catalog) -> int:
    with duckdb.connect(folder / "warehouse" / "baseline.duckdb") as connection:
        counted = 0
        for source in catalog:
            member = source.files.package
            if member is None:
                continue
            columns = {column.name: _TYPES.get(column.type.kind, str(column.type)) for column in source.columns}
            connection.execute(
                f"create table {source.name} as select * from read_csv('{folder}/utf-8/{member.kind}/*.txt',"
                f" header = false, delim = '\t', quote = '', dateformat = '%Y%m%d', columns = {columns})"
            )
            counted += int(connection.sql(f"select count(*) from {source.name}").fetchall()[0][0])
        return counted
