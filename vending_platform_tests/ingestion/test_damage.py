"""The way back from a warehouse that is damaged or lost, and from a disk that is full: nothing is lost by either."""

import resource
import shutil
from pathlib import Path

import pytest

from vending_platform.catalog import Catalog
from vending_platform.ingestion import status
from vending_platform.warehouse import WarehouseError
from vending_platform_tests.forked import FORKED
from vending_platform_tests.ingestion.test_exactly_once import CORRECTIONS, FIRST, everything
from vending_platform_tests.ingestion.yard import Yard


def warehouse_file(yard: Yard) -> Path:
    return yard.folder / "dbt_dev.duckdb"


def damage(yard: Yard) -> None:
    warehouse_file(yard).write_bytes(b"damaged" * 1000)
    with pytest.raises(WarehouseError, match="put a backup in its place, or move it away"):
        yard.ingest()


def test_a_backup_goes_on_with_what_came_since(yard: Yard) -> None:
    yard.deliver(FIRST)
    yard.ingest()
    shutil.copy(warehouse_file(yard), yard.folder / "backup")
    yard.deliver(CORRECTIONS)
    yard.ingest()
    expected = yard.raw()

    damage(yard)
    shutil.copy(yard.folder / "backup", warehouse_file(yard))
    yard.ingest()
    assert yard.raw() == expected


def test_without_a_backup_the_deliveries_give_it_again(yard: Yard) -> None:
    yard.deliver({**FIRST, **CORRECTIONS})
    yard.ingest()
    expected, told = everything(yard), status(yard.warehouse, yard.catalog)[0]

    damage(yard)
    warehouse_file(yard).rename(yard.folder / "away")
    yard.ingest()
    assert everything(yard) == expected
    assert status(yard.warehouse, yard.catalog)[0].files == told.files


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(yard: Yard) -> None:
    yard.deliver(FIRST)
    yard.ingest()
    yard.deliver(CORRECTIONS)
    sentences = []
    for room in (1_000, 4_000, 10_000, 20_000, 40_000, 80_000):  # bytes that a file may have
        said = yard.folder / "said"
        process = FORKED.Process(target=_ingest_in, args=(yard.folder, yard.catalog, room, said))
        process.start()
        process.join(60)
        assert process.exitcode == 0
        sentences.append(said.read_text())
    assert any("there is no room for" in one for one in sentences), sentences
    assert not any("\n" in one or "damaged" in one for one in sentences), sentences

    yard.ingest()
    undisturbed = Yard(yard.folder / "undisturbed", yard.catalog)
    undisturbed.deliver(FIRST)
    undisturbed.ingest()
    undisturbed.deliver(CORRECTIONS)
    undisturbed.ingest()
    assert yard.raw() == undisturbed.raw()


def _ingest_in(folder: Path, catalog: Catalog, largest_file: int, said: Path) -> None:
    """On a disk that takes no larger files: to a program it looks as one that is full."""
    said.write_text("")
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    try:
        Yard(folder, catalog).ingest()
    except (WarehouseError, OSError) as error:
        said.write_text(str(error))
