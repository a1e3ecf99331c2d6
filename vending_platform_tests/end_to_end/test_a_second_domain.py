"""A domain is a folder. Libraries that send a package a month, in Parquet and JSON lines, go from files through marts
and exports to Dagster's partitions, and no line of Python knows them."""

import gzip
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vending_platform import environment, operations
from vending_platform.definitions import build_definitions
from vending_platform.ingestion import check
from vending_platform.opening import Platform, open_platform
from vending_platform.status import read_status

DOMAIN = Path(__file__).parents[1] / "domains" / "libraries"
BRANCHES = b"library,district,opened_on,closed_on\neast,East,2024-01-15,\nwest,West,2023-01-01,2024-03-02\n"
MOMENT = pa.timestamp("us", "UTC")


def loans(library: str, month: str, *numbers: int, deposits: pa.Array | None = None) -> bytes:
    """A package of loans at noon of the month's 5th."""
    lent = datetime.fromisoformat(f"{month}-05T12:00:00").replace(tzinfo=UTC)
    table = pa.table(
        {
            "loan_id": [f"{library}-{month}-{number}" for number in numbers],
            "library": [library] * len(numbers),
            "lent_at": pa.array([lent] * len(numbers), MOMENT),
            "pages": pa.array([100 + number for number in numbers], pa.int32()),
            "deposit": pa.array([Decimal("1.50")] * len(numbers), pa.decimal128(6, 2))
            if deposits is None
            else deposits,
        }
    )
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


def returns(library: str, month: str, *numbers: int) -> bytes:
    rows = [
        {"loan": {"id": f"{library}-{month}-{number}", "fine": 0.25}, "at": f"{month}-20T09:00:00Z"}
        for number in numbers
    ]
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())


def loans_path(library: str, month: str) -> str:
    return f"packages/yyyymm={month.replace('-', '')}/{library}/loans_{library}_{month[2:].replace('-', '')}.parquet"


def returns_path(library: str, month: str) -> str:
    return f"packages/yyyymm={month.replace('-', '')}/{library}/returns.jsonl.gz"


@dataclass
class Libraries:
    """The domain's platform over a folder of packages."""

    folder: Path
    platform: Platform

    def deliver(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            path = self.folder / "sources" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def run(self) -> None:
        summary = operations.ingest(self.platform)
        assert not summary.unreadable
        assert not summary.blocked
        done = operations.transform(self.platform, summary.run_id)
        assert [result.message for result in done.failed] == []
        assert all(one.problem is None for one in operations.export(self.platform, summary.run_id))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.platform.context.warehouse.reading() as reader:
            return [tuple(row.values()) for row in reader.query(sql).to_pylist()]

    def monthly(self) -> dict[tuple[str, str], tuple[int, Decimal, int]]:
        rows = self.rows(
            "select business_date, library, loans, deposits, returned_in_the_month from marts.mart_library_monthly"
        )
        return {(f"{day:%Y-%m}", library): tuple(figures) for day, library, *figures in rows}

    def quarter(self) -> dict[str, int]:
        return {
            f"{day:%Y-%m}": loans for day, loans in self.rows("select * from marts.mart_library_quarter order by 1")
        }

    def exported_months(self) -> list[str | None]:
        manifest = json.loads((self.folder / "processed-data" / "library_monthly" / "manifest.json").read_text())
        return [part["day"] for part in manifest["parts"]]


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Libraries:
    monkeypatch.setenv("VENDING_DOMAIN", f"{DOMAIN}/")
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    platform = open_platform(environment.load())
    found = Libraries(tmp_path, platform)
    found.deliver({"master/branches.csv": BRANCHES})
    return found


def test_packages_become_marts_exports_and_partitions(libraries: Libraries) -> None:
    libraries.deliver(
        {
            loans_path("east", "2024-01"): loans("east", "2024-01", 1, 2),
            returns_path("east", "2024-01"): returns("east", "2024-01", 2),
            loans_path("west", "2024-01"): loans("west", "2024-01", 1),
            loans_path("west", "2024-02"): loans("west", "2024-02", 1, 2, 3),
            loans_path("east", "2024-04"): loans("east", "2024-04", 1),
        }
    )
    libraries.run()
    assert libraries.monthly() == {
        ("2024-01", "east"): (2, Decimal("3.00"), 1),
        ("2024-01", "west"): (1, Decimal("1.50"), 0),
        ("2024-02", "west"): (3, Decimal("4.50"), 0),
        ("2024-04", "east"): (1, Decimal("1.50"), 0),
    }
    assert libraries.quarter() == {"2024-01": 3, "2024-02": 6, "2024-04": 4}
    assert libraries.exported_months() == ["2024-01", "2024-02", "2024-04"]
    assert libraries.rows("select distinct sender, business_date from raw._files where source = 'returns'") == [
        ("east", date(2024, 1, 1))
    ]
    # East opened within January, west closed within March: for both months a package is due.
    status = read_status(libraries.platform).deliveries
    assert [(row["sender"], row["business_day"]) for row in status.missing] == [
        ("east", "2024-02"),
        ("east", "2024-03"),
        ("west", "2024-03"),
    ]
    assert status.sender_names["loans"] == "library"
    definitions = build_definitions(libraries.platform.environment)
    graph = definitions.resolve_asset_graph()
    months = ["2024-01", "2024-02", "2024-03", "2024-04"]
    for key in (
        "raw/loans",
        "raw/returns",
        "staging/stg_libraries__loans",
        "marts/mart_library_monthly",
        "exports/library_monthly",
    ):
        partitions = graph.get(dg.AssetKey(key.split("/"))).partitions_def
        assert isinstance(partitions, dg.MonthlyPartitionsDefinition)
        assert partitions.get_partition_keys() == months
    assert graph.get(dg.AssetKey(["raw", "branches"])).partitions_def is None


def test_a_correction_of_an_old_month_a_late_month_and_a_package_in_quarantine(libraries: Libraries) -> None:
    for month in ("2024-01", "2024-02", "2024-04", "2024-05"):
        libraries.deliver({loans_path("east", month): loans("east", month, 1)})
    libraries.run()
    assert libraries.quarter() == {"2024-01": 1, "2024-02": 2, "2024-04": 2, "2024-05": 2}
    built = "select business_date, max(built_at) as at from raw._builds where model = 'mart_library_quarter' group by 1"
    before = dict(libraries.rows(built))

    libraries.deliver({loans_path("east", "2024-01"): loans("east", "2024-01", 1, 2)})
    libraries.run()
    assert libraries.quarter() == {"2024-01": 2, "2024-02": 3, "2024-04": 2, "2024-05": 2}
    after = dict(libraries.rows(built))
    rebuilt = {day for day, at in after.items() if before[day] != at}
    assert rebuilt == {date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)}

    libraries.deliver({loans_path("east", "2024-03"): loans("east", "2024-03", 1, 2, 3)})  # months late
    libraries.run()
    assert libraries.quarter() == {"2024-01": 2, "2024-02": 3, "2024-03": 6, "2024-04": 5, "2024-05": 5}
    assert libraries.exported_months() == ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05"]

    deposits = pa.array([1.5], pa.float64())
    libraries.deliver({loans_path("east", "2024-05"): loans("east", "2024-05", 1, deposits=deposits)})
    summary = operations.ingest(libraries.platform)
    (broken,) = summary.quarantined
    assert broken.reason == "deposit is double, and the contract declares decimal(8,2)"
    operations.transform(libraries.platform, summary.run_id)
    assert libraries.quarter()["2024-05"] == 5  # it waits
    assert libraries.monthly()["2024-05", "east"][0] == 1


def test_a_row_is_traced_to_its_rows_and_a_package_is_checked_by_its_path(libraries: Libraries) -> None:
    libraries.deliver({loans_path("east", "2024-01"): loans("east", "2024-01", 1, 2, 2)})
    libraries.run()
    found = check(libraries.platform.catalog, libraries.folder / "sources" / loans_path("east", "2024-01"))
    assert (found.source, found.accepted, found.rejected) == ("loans", 2, 1)
    assert [(one.line, one.reason) for one in found.findings] == [(3, "same key as row 2")]
    ((line, reason, text, offset),) = libraries.rows(
        "select line, reason, raw_text, byte_offset from raw._rejected_rows"
    )
    assert (line, reason, offset) == (3, "same key as row 2", None)
    assert json.loads(text)["loan_id"] == "east-2024-01-2"
