"""A warehouse that commit a73fab5 made, from before ledgers had a version, works with this code: nothing is loaded or
built again, and its status is the same.

`old_warehouse/` holds it as SQL, with the files that it came from and the status that it gave: two runs of the small
project over three days, with a correction, a file in quarantine, a rejected row, a key in two files, a second version
of a master, an undeclared file and a sender that is missing on two days.
"""

import gzip
import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from vending_platform.ingestion import as_json, status_of
from vending_platform.ledger import CarriedOver
from vending_platform.ledger.migrations import current_version
from vending_platform.ledger.version import read_version
from vending_platform.transformation import Why, built_versions
from vending_platform.transformation.deliveries import read_deliveries
from vending_platform.transformation.input_versions import raw_versions
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import SmallPlatform
from vending_platform_tests.ingestion.raw_folder import RawFolder

OLD = Path(__file__).parent / "old_warehouse"
WAITING = date(2024, 3, 2)
"""Half of its files are in quarantine."""
COUNTED = ("_files", "_rejected_rows", "_duplicates", "_master_versions", "sales", "products", "vending_machines")


@pytest.fixture
def platform(core: Core, tmp_path: Path) -> SmallPlatform:
    folder = tmp_path / "old"
    shutil.copytree(OLD / "sources", folder / "sources")
    with duckdb.connect(folder / "dbt_dev.duckdb") as connection:
        connection.execute(gzip.decompress((OLD / "warehouse.sql.gz").read_bytes()).decode())
    core.hand_over()
    return SmallPlatform(RawFolder(folder, core.catalog), core)


def status_before() -> dict[str, Any]:
    """In the words of today."""
    status: dict[str, Any] = json.loads((OLD / "status.json").read_text(encoding="utf-8"))
    missing = [{"sender" if name == "machine" else name: day[name] for name in day} for day in status["missing"]]
    unknown = status.pop("unknown_machines")
    return status | {"missing": missing, "unknown_senders": {"machine": unknown} if unknown else {}}


def status_now(platform: SmallPlatform) -> dict[str, Any]:
    with CarriedOver(platform.raw_folder.context.warehouse).reading() as reader:
        status: dict[str, Any] = json.loads(as_json(status_of(reader, platform.raw_folder.catalog)))
        return status


def rows(platform: SmallPlatform) -> dict[str, int]:
    return {table: platform.raw_folder.rows(f"select count(*) as n from raw.{table}")[0]["n"] for table in COUNTED}


def compared(status: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Without what depends on when it was made, and what is new: also sources of which nothing came."""
    delivered = {source: counts for source, counts in status["rows"].items() if any(counts.values())}
    status = status | {"rows": delivered}
    new = ("as_of", "contracts", "packages", "sender_names")
    return ((name, value) for name, value in status.items() if name not in new)


def test_its_status_is_the_same_before_and_after_the_first_run(platform: SmallPlatform) -> None:
    assert dict(compared(status_now(platform))) == dict(compared(status_before()))
    platform.raw_folder.ingest()
    assert dict(compared(status_now(platform))) == dict(compared(status_before()))


def test_the_first_run_loads_nothing_again(platform: SmallPlatform) -> None:
    before = rows(platform)
    summary = platform.raw_folder.ingest()
    assert (summary.loaded, summary.quarantined, summary.gone, summary.blocked) == ([], [], (), {})
    assert len(summary.same_again) + len(summary.undeclared) == len(list((OLD / "sources").iterdir()))
    assert rows(platform) == before
    with platform.raw_folder.context.warehouse.reading() as reader:
        assert read_version(reader) == current_version()
    assert platform.raw_folder.ingest().unchanged == len(summary.same_again), "and then none is even read"


def test_no_mart_is_built_again_but_for_other_code(platform: SmallPlatform) -> None:
    platform.raw_folder.ingest()
    catalog = platform.raw_folder.catalog
    with platform.raw_folder.context.warehouse.reading() as reader:
        raw = raw_versions(catalog, read_deliveries(reader, catalog))
        built = built_versions(reader)
    models = {model.name: model for model in catalog.models if not model.is_view and not model.is_seed}
    compared = {(name, day): version for (name, day), version in built.items() if name in models}
    assert len(compared) > 20
    assert {day for (name, day), version in compared.items() if raw.of(models[name], day) != version} == {WAITING}
    done = platform.transform()
    assert {work.why for work in done.plan.todo} <= {Why.CODE, Why.NEW, Why.READS}
    assert platform.stale() == [WAITING]
    assert platform.transform().windows == []
