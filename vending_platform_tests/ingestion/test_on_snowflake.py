"""Deliveries become the same rows on Snowflake as on DuckDB, also when others publish and when a process is killed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from vending_platform.ingestion import (
    CrashPoint,
    IngestionContext,
    Summary,
    Watcher,
    ingest,
    overview,
    pending,
    status,
)
from vending_platform.ingestion.outcome import raw_table
from vending_platform.ledger import FILES, REJECTED_ROWS, UNDECLARED, last_changes
from vending_platform.warehouse import WarehouseMoved
from vending_platform.warehouse.snowflake.lease import SnowflakeLease as Lease
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.ingestion.raw_folder import NOW, RawFolder, sales_file
from vending_platform_tests.ingestion.test_exactly_once import CORRECTIONS, FIRST

SOURCES = ("sales", "vending_machines", "product_categories")


@pytest.fixture
def raw_folders(raw_folder: RawFolder, account: Account) -> tuple[RawFolder, RawFolder]:
    """One folder of deliveries before two warehouses."""
    return raw_folder, RawFolder(raw_folder.folder, raw_folder.catalog, account=account)


def everything(raw_folder: RawFolder) -> dict[str, list[dict[str, Any]]]:
    """Every value of every row, with its type."""
    tables = {table.name: table for table in (FILES, REJECTED_ROWS, UNDECLARED)}
    tables |= {name: raw_table(raw_folder.catalog.source(name)) for name in SOURCES}
    with raw_folder.warehouse.reading() as reader:
        return {
            name: sorted(reader.query(f"select * from {table}").to_pylist(), key=repr) for name, table in tables.items()
        }


def test_corrections_withdrawals_rejects_and_quarantine_give_the_same_rows(
    raw_folders: tuple[RawFolder, RawFolder],
) -> None:
    duckdb, snowflake = raw_folders
    steps: list[tuple[Callable[[], None], dict[str, Any]]] = [
        (lambda: duckdb.deliver(FIRST), {}),
        (lambda: duckdb.deliver(CORRECTIONS), {}),
        (lambda: duckdb.remove("sales_VM001_20240301.csv", "notes.txt"), {}),
        (lambda: None, {"withdraw": True}),
    ]
    states: set[str] = set()
    rejected: list[dict[str, Any]] = []
    for happens, options in steps:
        happens()
        done = [raw_folder.ingest(**options) for raw_folder in raw_folders]
        assert done[0] == done[1]
        assert everything(snowflake) == everything(duckdb)
        states |= {row["state"] for row in everything(snowflake)[FILES.name]}
        rejected += everything(snowflake)[REJECTED_ROWS.name]
    assert states == {"loaded", "superseded", "quarantined", "withdrawn"}
    assert [row["raw_text"] for row in rejected] != []
    assert list(snowflake.account.work.files("publications")) == []  # type: ignore[union-attr]


def test_replaying_and_the_status_are_the_same(raw_folders: tuple[RawFolder, RawFolder]) -> None:
    duckdb, snowflake = raw_folders
    duckdb.deliver({name: FIRST[name] for name in ("vending_machines.csv", "sales_VM001_20240302.csv")})
    for raw_folder in raw_folders:
        raw_folder.ingest()
    assert duckdb.replay() == snowflake.replay()
    assert everything(snowflake) == everything(duckdb)
    told = []
    for raw_folder in raw_folders:
        seen, is_being_written = status(raw_folder.warehouse, raw_folder.catalog)
        with raw_folder.warehouse.reading() as reader:
            changes = last_changes(reader, raw_folder.catalog)
            told.append(
                (replace(seen, as_of=""), is_being_written, overview(reader), pending(raw_folder.context, NOW), changes)
            )
    assert told[0] == told[1]
    assert told[0][0].rows["sales"] == {"accepted": 1, "rejected": 1}


def test_who_finds_that_somebody_else_has_published_plans_again_but_not_for_ever(
    raw_folders: tuple[RawFolder, RawFolder],
) -> None:
    _, raw_folder = raw_folders
    raw_folder.deliver({"sales_VM001_20240305.csv": sales_file()})
    raw_folder.ingest()
    raw_folder.deliver({"sales_VM001_20240306.csv": sales_file(day="2024-03-06")})
    account, plans = raw_folder.account, 0
    assert account is not None

    def somebody_comes_in_between(step: CrashPoint) -> None:
        nonlocal plans
        plans += step is CrashPoint.PLANNED
        if step is CrashPoint.PLANNED and plans != 3:
            account.emulator.behind(account.database, "update raw._publications set number = number + 1")

    summary = raw_folder.ingest(watcher=Watcher(on_step=somebody_comes_in_between))
    assert plans == 3
    assert [version.path for version in summary.loaded] == ["sales_VM001_20240306.csv"]
    assert summary.unchanged == 1
    assert len(raw_folder.rows("select * from raw.sales")) == 10

    raw_folder.deliver({"sales_VM001_20240307.csv": sales_file(day="2024-03-07")})
    with pytest.raises(WarehouseMoved, match="another process has published"):
        raw_folder.ingest(watcher=Watcher(on_step=somebody_comes_in_between))
    assert plans == 3 + 5
    assert len(raw_folder.rows("select * from raw.sales")) == 10
    assert len(raw_folder.ledger()) == 2


@pytest.mark.parametrize("both_have_the_lease", [False, True])
def test_two_workers_at_once_load_everything_once(
    raw_folders: tuple[RawFolder, RawFolder], monkeypatch: pytest.MonkeyPatch, both_have_the_lease: bool
) -> None:
    """One waits for the other; and should both believe that it is their turn, both plan the same, and one again."""
    duckdb, snowflake = raw_folders
    duckdb.deliver({"vending_machines.csv": FIRST["vending_machines.csv"]})
    for raw_folder in raw_folders:
        raw_folder.ingest()
    duckdb.deliver({name: FIRST[name] for name in ("sales_VM001_20240301.csv", "notes.txt")})
    duckdb.ingest()
    plans: list[str] = []
    meet = threading.Barrier(2)
    if both_have_the_lease:
        monkeypatch.setattr(Lease, "take", lambda self: True)
        monkeypatch.setattr(Lease, "ensure", lambda self: None)

    def work(name: str, context: IngestionContext) -> Summary:
        def on_step(step: CrashPoint) -> None:
            if step is CrashPoint.PLANNED:
                plans.append(name)
                if both_have_the_lease and plans.count(name) == 1:
                    meet.wait(30)

        try:
            return ingest(context, now=NOW, watcher=Watcher(on_step=on_step))
        finally:
            meet.abort()  # who fails keeps nobody waiting

    theirs = {name: replace(snowflake.context, scratch=snowflake.folder / name) for name in ("one", "other")}
    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(work, name, context) for name, context in theirs.items()]
    failed = [error for worker in working if (error := worker.exception()) is not None]
    assert [error for error in failed if not isinstance(error, threading.BrokenBarrierError)] == []
    done = [worker.result() for worker in working]
    assert [version.path for summary in done for version in summary.loaded] == ["sales_VM001_20240301.csv"]
    assert everything(snowflake) == everything(duckdb)
    fewer, more = sorted(map(plans.count, theirs))
    assert (fewer, more > 1) == (1, both_have_the_lease)


def test_what_a_run_itself_found_gone_is_not_withdrawn_by_its_second_plan(
    raw_folders: tuple[RawFolder, RawFolder],
) -> None:
    _, raw_folder = raw_folders
    raw_folder.deliver({"sales_VM001_20240305.csv": sales_file()})
    raw_folder.ingest()
    raw_folder.remove("sales_VM001_20240305.csv")
    raw_folder.deliver({"sales_VM001_20240306.csv": sales_file(day="2024-03-06")})
    account, published = raw_folder.account, 0
    assert account is not None

    def after_the_absence_is_on_record(step: CrashPoint) -> None:
        nonlocal published
        published += step is CrashPoint.COMMITTED
        if step is CrashPoint.COMMITTED and published == 1:
            account.emulator.behind(account.database, "update raw._publications set number = number + 1")

    summary = raw_folder.ingest(withdraw=True, watcher=Watcher(on_step=after_the_absence_is_on_record))
    assert published == 2
    assert [version.path for version in summary.gone] == ["sales_VM001_20240305.csv"]
    assert summary.withdrawn == []
    assert len(raw_folder.rows("select * from raw.sales")) == 10
    assert [version.path for version in raw_folder.ingest(withdraw=True).withdrawn] == ["sales_VM001_20240305.csv"]
    assert len(raw_folder.rows("select * from raw.sales")) == 5


def test_a_run_that_breaks_off_while_it_publishes_is_finished_by_the_next(
    raw_folders: tuple[RawFolder, RawFolder],
) -> None:
    """Each run comes one step of publishing further than the one before it, and breaks off there."""
    duckdb, snowflake = raw_folders
    names = ("sales_VM001_20240301.csv", "sales_VM001_20240302.csv")
    duckdb.deliver({name: FIRST[name] for name in names})
    for raw_folder in raw_folders:
        raw_folder.ingest()
    duckdb.deliver({name: CORRECTIONS[name] for name in names})
    duckdb.ingest()
    before = everything(snowflake)
    for step in (CrashPoint.ANNOUNCED, CrashPoint.BEGUN, CrashPoint.DELETED, CrashPoint.INSERTED):
        with pytest.raises(_BrokenOff):
            snowflake.ingest(watcher=Watcher(on_step=_breaking_off_at(step)))
        assert everything(snowflake) == before, step
    with pytest.raises(_BrokenOff):
        snowflake.ingest(watcher=Watcher(on_step=_breaking_off_at(CrashPoint.COMMITTED)))
    assert everything(snowflake) == everything(duckdb)
    assert snowflake.ingest().unchanged == len(names)


class _BrokenOff(BaseException):
    pass


def _breaking_off_at(where: CrashPoint) -> Callable[[CrashPoint], None]:
    def on_step(step: CrashPoint) -> None:
        if step is where:
            raise _BrokenOff(step)

    return on_step
