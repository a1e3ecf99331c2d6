"""The way back from a warehouse that is damaged or lost, and from a disk that is full: nothing is lost by either."""

import resource
import shutil
from pathlib import Path

import pytest

from vending_platform.catalog import Catalog
from vending_platform.ingestion import status
from vending_platform.warehouse import WarehouseError
from vending_platform_tests.forked import FORKED
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.ingestion.test_exactly_once import CORRECTIONS, FIRST, everything


def warehouse_file(raw_folder: RawFolder) -> Path:
    return raw_folder.folder / "dbt_dev.duckdb"


def damage(raw_folder: RawFolder) -> None:
    warehouse_file(raw_folder).write_bytes(b"damaged" * 1000)
    with pytest.raises(WarehouseError, match="put a backup in its place, or move it away"):
        raw_folder.ingest()


def test_a_backup_goes_on_with_what_came_since(raw_folder: RawFolder) -> None:
    raw_folder.deliver(FIRST)
    raw_folder.ingest()
    shutil.copy(warehouse_file(raw_folder), raw_folder.folder / "backup")
    raw_folder.deliver(CORRECTIONS)
    raw_folder.ingest()
    expected = raw_folder.raw()

    damage(raw_folder)
    shutil.copy(raw_folder.folder / "backup", warehouse_file(raw_folder))
    raw_folder.ingest()
    assert raw_folder.raw() == expected


def test_without_a_backup_the_deliveries_give_it_again(raw_folder: RawFolder) -> None:
    raw_folder.deliver({**FIRST, **CORRECTIONS})
    raw_folder.ingest()
    expected, told = everything(raw_folder), status(raw_folder.warehouse, raw_folder.catalog)[0]

    damage(raw_folder)
    warehouse_file(raw_folder).rename(raw_folder.folder / "away")
    raw_folder.ingest()
    assert everything(raw_folder) == expected
    assert status(raw_folder.warehouse, raw_folder.catalog)[0].files == told.files


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(raw_folder: RawFolder) -> None:
    raw_folder.deliver(FIRST)
    raw_folder.ingest()
    raw_folder.deliver(CORRECTIONS)
    sentences = []
    for room in (1_000, 4_000, 10_000, 20_000, 40_000, 80_000):  # bytes that a file may have
        said = raw_folder.folder / "said"
        process = FORKED.Process(target=_ingest_in, args=(raw_folder.folder, raw_folder.catalog, room, said))
        process.start()
        process.join(60)
        assert process.exitcode == 0
        sentences.append(said.read_text())
    assert any("there is no space for" in one for one in sentences), sentences
    assert not any("\n" in one or "damaged" in one for one in sentences), sentences

    raw_folder.ingest()
    undisturbed = RawFolder(raw_folder.folder / "undisturbed", raw_folder.catalog)
    undisturbed.deliver(FIRST)
    undisturbed.ingest()
    undisturbed.deliver(CORRECTIONS)
    undisturbed.ingest()
    assert raw_folder.raw() == undisturbed.raw()


def _ingest_in(folder: Path, catalog: Catalog, largest_file: int, said: Path) -> None:
    """On a disk that takes no larger files: to a program it looks as one that is full."""
    said.write_text("")
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    try:
        RawFolder(folder, catalog).ingest()
    except (WarehouseError, OSError) as error:
        said.write_text(str(error))
