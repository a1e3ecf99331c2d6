"""How fast an export of DynamoDB becomes a delivery, beside DuckDB's own reading of the same files: a million items.

Both read the same gzip files and end with the same typed rows: ours in a Parquet file, DuckDB's in a table.
"""

import gzip
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.measuring import PAIRS, ratio
from benchmarks.table import Row
from vending_platform.extraction.dynamodb.delivering import SourceItems
from vending_platform.extraction.dynamodb.reading import Items
from vending_platform.extraction.dynamodb.verifying import DataFile
from vending_platform.extraction.engine import opened_engine
from vending_platform_tests.extraction.dynamodb.parts import REFUNDS, sources_of

_FILES, _ITEMS = 10, 100_000
(_SOURCE,) = sources_of(refunds=(REFUNDS, {"where": {"kind": "refund"}, "deleted": "is_deleted"}))
_TYPES = {
    **dict.fromkeys(("pk", "sk", "kind", "note", "photo"), ("S", "varchar")),
    "amount": ("N", "bigint"),
    "share": ("N", "decimal(38,10)"),
    "is_paid": ("BOOL", "boolean"),
    "made_on": ("S", "date"),
    "requested_at": ("S", "timestamptz"),
}


def exporting_items(folder: Path) -> list[Row]:
    files, size = _made(folder)
    ours, theirs = [], []
    for number in range(PAIRS + 1):
        duck = _cpu_of(lambda: _read_by_duckdb(files))
        own = _cpu_of(lambda: _deliver(files, folder))
        if number:
            ours.append(own)
            theirs.append(duck)
    speed = size / 1_000_000 / statistics.median(ours)
    return [
        Row("MB of DynamoDB JSON a CPU second, to a typed delivery", f"{speed:,.0f}", "80 at least", speed >= 80),
        ratio("the same, against DuckDB's read_json and insert", ours, theirs, 2.0),
    ]


def _made(folder: Path) -> tuple[list[DataFile], int]:
    """The files of an export, and their bytes as they are read."""
    random, files, size = Random(1), [], 0
    for number in range(_FILES):
        path = folder / f"{number}.json.gz"
        lines = "".join(_line(random, number * _ITEMS + item) for item in range(_ITEMS)).encode()
        path.write_bytes(gzip.compress(lines, 6))
        files.append(DataFile(path, path.name, _ITEMS))
        size += len(lines)
    return files, size


def _line(random: Random, number: int) -> str:
    item = {
        "pk": {"S": f"CUSTOMER#{number % 5000:06d}"},
        "sk": {"S": f"REFUND#{number:08d}"},
        "kind": {"S": "refund"},
        "amount": {"N": str(random.randrange(100, 400))},
        "share": {"N": f"0.{random.randrange(10**9)}"},
        "is_paid": {"BOOL": bool(number % 2)},
        "made_on": {"S": f"2024-03-{1 + number % 28:02d}"},
        "requested_at": {"S": f"2024-03-{1 + number % 28:02d}T{number % 24:02d}:12:33.125+09:00"},
        "note": {"S": "お金が戻りませんでした" * (number % 3)},
        "photo": {"S": f"photos/{number}.jpg"},
    }
    return json.dumps({"Item": item}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _deliver(files: list[DataFile], folder: Path) -> None:
    with TemporaryDirectory(dir=folder) as name, opened_engine(Path(name), "400MB") as engine:
        items = Items(engine, [_SOURCE], ("pk", "sk"), is_full=True, table="app", declared=[_SOURCE])
        items.load(files, "the export")
        done = SourceItems(items, _SOURCE, Path(name)).write(Path(name) / "rows.parquet", {}, list, overlaps=False)
        assert done.rows == _FILES * _ITEMS


def _read_by_duckdb(files: list[DataFile]) -> None:
    item = ", ".join(f'"{name}" STRUCT("{kind}" VARCHAR)' for name, (kind, _) in _TYPES.items())
    columns = ", ".join(f'cast(Item."{name}"."{kind}" as {sql}) as "{name}"' for name, (kind, sql) in _TYPES.items())
    paths = ", ".join(f"'{file.path}'" for file in files)
    with duckdb.connect(config={"threads": "1"}) as engine:
        engine.execute("set timezone = 'UTC'")
        engine.execute(
            f"create table raw as select {columns} from read_json([{paths}], format = 'newline_delimited',"
            f" columns = {{'Item': 'STRUCT({item})'}})"
        )
        assert engine.execute("select count(*) from raw").fetchone() == (_FILES * _ITEMS,)


def _cpu_of(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
