"""A ledger of an earlier version is carried over once, whatever opens it first; one that can't be is refused."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from vending_platform.ledger import CarriedOver, LedgerVersionError, migrations, prepare_ledger
from vending_platform.ledger.migrations import Migration
from vending_platform.ledger.version import LEDGER_VERSION, read_version
from vending_platform.warehouse import Alterations, Change, TableName, Warehouse
from vending_platform_tests.warehouse.tables import ignore, nobody

FILES = TableName("raw", "_files")
OLD = pa.schema([("path", pa.string()), ("machine", pa.string())])
NOW = {FILES: pa.schema([("path", pa.string()), ("sender", pa.string()), ("size", pa.int64())])}
ROWS = [("a.csv", "VM001"), ("b.csv", None)]


def sender(tables: Alterations) -> None:
    tables.rename_column(FILES, "machine", "sender")


def sender_in_lower_case(tables: Alterations) -> None:
    rows = tables.query(f"select * from {FILES}").cast(pa.schema([("path", pa.string()), ("sender", pa.string())]))
    rows = rows.set_column(1, "sender", pc.utf8_lower(rows["sender"]))
    tables.change_rows([Change(FILES, delete=rows.select(["path"]), insert=rows)])


BOTH: Mapping[int, Migration] = {1: sender, 2: sender_in_lower_case}


@pytest.fixture
def old(warehouse: Warehouse) -> Warehouse:
    """As it was before ledgers had a version."""
    with warehouse.writing("test", nobody) as writer:
        writer.ensure_tables({FILES: OLD})
        rows = pa.table(list(map(list, zip(*ROWS, strict=True))), OLD)
        writer.publish([Change(FILES, insert=rows)], ignore)
    return warehouse


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", BOTH)


def files(warehouse: Warehouse) -> list[dict[str, object]]:
    with warehouse.reading() as reader:
        rows: list[dict[str, object]] = reader.query(f"select * from {FILES}").sort_by("path").to_pylist()
        return rows


def version_of(warehouse: Warehouse) -> int | None:
    with warehouse.reading() as reader:
        return read_version(reader)


@pytest.mark.usefixtures("both")
def test_every_migration_is_applied_once_and_then_new_columns_come(old: Warehouse) -> None:
    for _ in range(2):
        with old.writing("test", nobody) as writer:
            prepare_ledger(writer, NOW)
        assert files(old) == [
            {"path": "a.csv", "sender": "vm001", "size": None},
            {"path": "b.csv", "sender": None, "size": None},
        ]
        assert version_of(old) == 3


@pytest.mark.usefixtures("both")
def test_what_only_reads_carries_it_over_too_as_a_sensor_reads_before_the_first_run(old: Warehouse) -> None:
    with CarriedOver(old).reading() as reader:
        assert reader.query(f"select * from {FILES}").sort_by("path")["sender"].to_pylist() == ["vm001", None]
    assert version_of(old) == 3


def test_an_interrupted_migration_begins_again(old: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(tables: Alterations) -> None:
        sender(tables)
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "MIGRATIONS", {**BOTH, 1: interrupted})
    with old.writing("test", nobody) as writer, pytest.raises(KeyboardInterrupt):
        prepare_ledger(writer, NOW)
    assert version_of(old) == 1
    monkeypatch.setattr(migrations, "MIGRATIONS", BOTH)
    with old.writing("test", nobody) as writer:
        prepare_ledger(writer, NOW)
    assert [row["sender"] for row in files(old)] == ["vm001", None]


@pytest.mark.usefixtures("both")
def test_a_new_warehouse_begins_with_the_version_of_the_code(warehouse: Warehouse) -> None:
    assert version_of(CarriedOver(warehouse)) is None
    with warehouse.writing("test", nobody) as writer:
        prepare_ledger(writer, NOW)
    assert (version_of(warehouse), files(warehouse)) == (3, [])


@pytest.mark.parametrize(
    ("known", "says"),
    [(4, "newer version of the platform .its ledger has version 4, and this code knows version 3"), (1, "too old")],
)
def test_what_cant_be_carried_over_is_refused_in_a_sentence_and_stays_as_it_is(
    old: Warehouse, monkeypatch: pytest.MonkeyPatch, known: int, says: str
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", {2: sender_in_lower_case})
    with old.writing("test", nobody) as writer:
        if known != 1:
            writer.ensure_tables({LEDGER_VERSION: pa.schema([("version", pa.int64())])})
            writer.publish([Change(LEDGER_VERSION, insert=pa.table({"version": [known]}))], ignore)
        with pytest.raises(LedgerVersionError, match=says):
            prepare_ledger(writer, NOW)
    with pytest.raises(LedgerVersionError, match="move the warehouse away"), CarriedOver(old).reading():
        pass
    assert files(old) == [{"path": path, "machine": machine} for path, machine in ROWS]
    assert version_of(old) == known
