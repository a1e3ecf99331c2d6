"""From files to marts and exports: exactly what a change reaches is built again, and equals building from nothing."""

import errno
import hashlib
import io
import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from vending_platform.catalog import CsvEncoding, Export
from vending_platform.cli.views import exported_view
from vending_platform.console import PlainConsole
from vending_platform.exporting import (
    Damage,
    Exported,
    PageManifest,
    current_parts,
    export_all,
    publishing,
    read_page_manifest,
    verified,
)
from vending_platform.lineage.provenance import trace
from vending_platform.storage import LocalPlace
from vending_platform.transformation import NodeResult, Transformed, dbt, running, transform, verdicts
from vending_platform.transformation.results import node_result
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import (
    DAYS,
    FILES,
    SmallPlatform,
    built_once,
    day_of_sales,
    name,
    products,
)
from vending_platform_tests.ingestion.raw_folder import RawFolder, sales, sales_row

SOLD = {"fct_sales", "mart_machine_daily", "mart_product_daily", "mart_prefecture_daily"}
"""What changes with a day's sales."""


@pytest.fixture(scope="module")
def built(run_folder: Path, core: Core) -> SmallPlatform:
    """Six days of one machine, built once for all workers."""
    return SmallPlatform(RawFolder(built_once(run_folder, core), core.catalog), core)


@pytest.fixture
def small_platform(built: SmallPlatform, core: Core, tmp_path: Path) -> SmallPlatform:
    """A copy of that platform, to change as one likes."""
    folder = tmp_path / "small_platform"
    shutil.copytree(built.raw_folder.folder, folder, copy_function=shutil.copy2)
    core.hand_over()
    small_platform = SmallPlatform(replace(built.raw_folder, folder=folder), core)
    small_platform.raw_folder.ingest()  # copied files have another identity in the store, and the same content
    assert small_platform.stale() == []
    return small_platform


def spans(done: Transformed) -> list[tuple[str, str]]:
    """The days for which sales were built, run by run."""
    built = [window.built["fct_sales"] for window, _ in done.windows if "fct_sales" in window.built]
    return [(str(days[0]), str(days[-1])) for days in built]


def test_nothing_new_builds_nothing(small_platform: SmallPlatform) -> None:
    assert small_platform.run().windows == []
    assert small_platform.export() == [
        Exported(export.name, [], [], []) for export in small_platform.raw_folder.catalog.exports
    ]


def test_a_mart_that_was_built_differently_before_leaves_no_trace_of_it(small_platform: SmallPlatform) -> None:
    """By day what was a whole, and the other way round: the old export would stay beside the new one, and the old
    failed checks would hold it back."""
    otherwise = {("mart_machine_daily", None), ("dim_products", date(2024, 3, 2))}
    with duckdb.connect(str(small_platform.raw_folder.folder / "dbt_dev.duckdb")) as connection:
        connection.executemany(
            "insert into raw._builds (model, business_date, raw_version, checks_passed) values (?, ?, 'old', false)",
            [*otherwise],
        )
    (window, _), *_ = small_platform.run().windows
    assert list(window.built["mart_machine_daily"]) == [date.fromisoformat(day) for day in DAYS]
    assert "fct_sales" not in window.built
    with small_platform.raw_folder.context.warehouse.reading() as reader:
        assert otherwise & verdicts(reader).keys() == set()
    assert [export.name for export in small_platform.export() if export.held_back] == []
    parts = current_parts(small_platform.raw_folder.catalog, small_platform.raw_folder.context.storage.processed)
    days = [(name, part.day) for name, part in parts if name in ("machine_daily", "dim_products_parquet")]
    assert days == [("dim_products_parquet", None), *(("machine_daily", day) for day in DAYS)]


def test_a_corrected_old_day_is_built_again_and_nothing_else(small_platform: SmallPlatform) -> None:
    before = small_platform.marts()
    done = small_platform.run({name(DAYS[2]): day_of_sales(DAYS[2], 1, 2, unit_price=999)})
    assert spans(done) == [(DAYS[2], DAYS[2])]
    after = small_platform.marts()
    assert after == small_platform.from_nothing()
    other_day = [row for row in before["fct_sales"] if "2024, 3, 3" not in row]
    assert [row for row in after["fct_sales"] if "2024, 3, 3" not in row] == other_day
    written = {export.name: [(part.day, part.rows) for part in export.written] for export in small_platform.export()}
    assert {part for parts in written.values() for part in parts} == {(DAYS[2], 2), (DAYS[2], 1)}
    moved = {export.name for export in small_platform.raw_folder.catalog.exports if export.model in SOLD}
    blank = {"prefecture_daily_public"}  # of one machine nothing is shown, so its file stays the same
    assert {export for export, parts in written.items() if parts} == moved - blank


def test_a_day_without_remaining_files_is_empty_in_every_mart(small_platform: SmallPlatform) -> None:
    small_platform.raw_folder.remove(name(DAYS[3]))
    small_platform.raw_folder.ingest()
    small_platform.raw_folder.ingest(withdraw=True)
    assert small_platform.stale() == [date(2024, 3, 4)]
    assert spans(small_platform.transform()) == [(DAYS[3], DAYS[3])]
    assert not any("2024, 3, 4" in row for row in small_platform.marts()["mart_machine_daily"])
    assert small_platform.marts() == small_platform.from_nothing()
    assert {export.name for export in small_platform.export() if export.removed} == {
        export.name for export in small_platform.raw_folder.catalog.exports if export.model in SOLD
    }
    parts = current_parts(small_platform.raw_folder.catalog, small_platform.raw_folder.context.storage.processed)
    assert DAYS[3] not in {part.day for _, part in parts}


def test_a_dated_master_reaches_the_days_from_its_own_on(small_platform: SmallPlatform) -> None:
    done = small_platform.run({"products_20240304.csv": products(P1=80, P2=60)})
    assert spans(done) == [(DAYS[3], DAYS[5])]
    assert small_platform.marts() == small_platform.from_nothing()


def test_a_late_master_reaches_the_earlier_days_that_mention_its_keys(small_platform: SmallPlatform) -> None:
    day = DAYS[1]
    small_platform.run({name(day): day_of_sales(day, 1, 2, product_id="P9")})
    assert any("'is_known_product': False" in row for row in small_platform.marts()["fct_sales"])
    done = small_platform.run({"products_20240305.csv": products(P1=50, P2=60, P9=70)})
    assert spans(done) == [(day, day), (DAYS[4], DAYS[5])]
    assert not any("'is_known_product': False" in row for row in small_platform.marts()["fct_sales"])
    assert small_platform.marts() == small_platform.from_nothing()


def test_a_key_that_was_delivered_for_two_days_is_decided_for_both(small_platform: SmallPlatform) -> None:
    """The later moment wins; when that delivery is corrected away, the other day has its row back."""
    twice = sales_row(1, day=DAYS[0], product_id="P1").split(",")[0]
    done = small_platform.run({name(DAYS[4]): day_of_sales(DAYS[4], 1, transaction_id=twice)})
    assert spans(done) == [(DAYS[0], DAYS[0]), (DAYS[4], DAYS[4])]
    assert sum(twice in row for row in small_platform.marts()["fct_sales"]) == 1
    done = small_platform.run({name(DAYS[4]): day_of_sales(DAYS[4], 1)})
    assert spans(done) == [(DAYS[0], DAYS[0]), (DAYS[4], DAYS[4])]
    assert small_platform.marts() == small_platform.from_nothing()


def test_a_key_that_came_twice_for_one_day_counts_once(small_platform: SmallPlatform) -> None:
    """In the files of two machines; the greater path wins. When that file has another key, the other is back."""
    twice, other = sales_row(1, day=DAYS[4], product_id="P1").split(",")[0], name(DAYS[4], "VM002")
    file_of = partial(day_of_sales, DAYS[4], 1, machine_id="VM002")
    done = small_platform.run({other: file_of(transaction_id=twice)})
    assert spans(done) == [(DAYS[4], DAYS[4])]
    (row,) = [row for row in small_platform.marts()["fct_sales"] if twice in row]
    assert "'machine_id': 'VM002'" in row
    small_platform.run({other: file_of(transaction_id="another")})
    (row,) = [row for row in small_platform.marts()["fct_sales"] if twice in row]
    assert "'machine_id': 'VM001'" in row
    assert small_platform.marts() == small_platform.from_nothing()


def test_a_new_machine_file_for_an_unknown_machine_is_not_lost(small_platform: SmallPlatform) -> None:
    small_platform.run({name(DAYS[1], "VM777"): sales(sales_row(1, "VM777", DAYS[1], product_id="P1"))})
    (row,) = [row for row in small_platform.marts()["fct_sales"] if "VM777" in row]
    assert "'is_known_machine': False" in row


def test_a_day_that_is_mostly_in_quarantine_waits_and_others_are_built(small_platform: SmallPlatform) -> None:
    before = small_platform.marts()
    small_platform.raw_folder.deliver({name(DAYS[1]): b"cut off", name(DAYS[2]): day_of_sales(DAYS[2], 1)})
    small_platform.raw_folder.ingest()
    done = small_platform.transform()
    assert [(block.source, str(block.business_date)) for block in done.blocked] == [("sales", DAYS[1])]
    assert spans(done) == [(DAYS[2], DAYS[2])]
    waiting = date.fromisoformat(DAYS[1])
    kept = [row for row in before["fct_sales"] if "2024, 3, 2" in row]
    assert [row for row in small_platform.marts()["fct_sales"] if "2024, 3, 2" in row] == kept != []
    assert small_platform.stale() == [waiting]
    assert (
        spans(
            small_platform.transform(first_day=waiting, last_day=waiting, anew=datetime.now(UTC), models=["fct_sales"])
        )
        == []
    )
    healed = small_platform.run({name(DAYS[1]): day_of_sales(DAYS[1], 1, 2)})
    assert (healed.blocked, spans(healed)) == ([], [(DAYS[1], DAYS[1])])
    assert healed.rows["fct_sales", waiting] == 2


def test_one_model_alone_is_not_fresher_than_its_inputs(small_platform: SmallPlatform) -> None:
    small_platform.raw_folder.deliver({name(DAYS[0]): day_of_sales(DAYS[0], 1)})
    small_platform.raw_folder.ingest()
    alone = transform(
        small_platform.raw_folder.catalog,
        small_platform.raw_folder.context.warehouse,
        small_platform.project,
        run_id="test",
        models=["fct_sales"],
    )
    assert {node.name for node in alone.failed} == {"sales_and_daily_marts_agree"}, "until the others follow"
    assert len([row for row in small_platform.marts()["fct_sales"] if "2024, 3, 1)" in row]) == 1
    small_platform.transform()
    assert small_platform.marts() == small_platform.from_nothing()


def test_an_unfinished_build_is_not_mistaken_for_the_previous_one(
    small_platform: SmallPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    before = small_platform.marts()
    small_platform.raw_folder.deliver({name(DAYS[2]): day_of_sales(DAYS[2], 1)})
    small_platform.raw_folder.ingest()
    with monkeypatch.context() as patch:
        patch.setattr(running, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            small_platform.transform()
    assert small_platform.marts() != before
    assert not any(export.written for export in small_platform.export()), "it is not known whether it can be trusted"
    small_platform.run({name(DAYS[2]): FILES[name(DAYS[2])]})
    assert small_platform.marts() == before


def test_a_day_that_changed_through_a_master_is_exported_again_also_after_a_full_disk(
    small_platform: SmallPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_platform.run({name(DAYS[1]): day_of_sales(DAYS[1], 1, product_id="P9")})
    small_platform.export()
    before = small_platform.exports()
    small_platform.run({"products_20240305.csv": products(P1=50, P2=60, P9=70)})
    write = LocalPlace.write

    def write_while_there_is_room(place: LocalPlace, path: str, content: bytes) -> None:
        if path.endswith("manifest.json"):
            raise OSError(errno.ENOSPC, "No space left on device", path)
        write(place, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(LocalPlace, "write", write_while_there_is_room)
        with pytest.raises(OSError, match="No space left on device"):
            small_platform.export()
    assert small_platform.exports() == before, "nothing is half visible"
    small_platform.export()
    changed = {key for key, part in small_platform.exports().items() if part != before[key]}
    assert ("sales_by_day", DAYS[1]) in changed
    assert {day for _, day in changed} == {DAYS[1], None}, "and the products, which are exported as a whole"


def doubted(small_platform: SmallPlatform) -> list[tuple[str, str]]:
    """What was built, and a blocking check of it failed."""
    with small_platform.raw_folder.context.warehouse.reading() as reader:
        known = verdicts(reader)
    assert ("fct_sales", date.fromisoformat(DAYS[0])) in known
    return [(model, str(day)) for (model, day), passed in known.items() if not passed]


def test_a_failed_check_runs_again_until_it_passes(
    small_platform: SmallPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(result: Any) -> NodeResult:
        result_of_node = node_result(result)
        doubted = result_of_node.name == "unique_fct_sales_transaction_id"
        return replace(result_of_node, status="fail", message="a wrong row") if doubted else result_of_node

    small_platform.raw_folder.deliver({name(DAYS[2]): day_of_sales(DAYS[2], 1)})
    small_platform.raw_folder.ingest()
    run = partial(
        transform,
        small_platform.raw_folder.catalog,
        small_platform.raw_folder.context.warehouse,
        small_platform.project,
        run_id="test",
    )
    with monkeypatch.context() as patch:
        patch.setattr(dbt, "node_result", failing)
        assert [node.name for node in run().failed] == ["unique_fct_sales_transaction_id"]
        held = {export.name: export.held_back for export in small_platform.export()}
        assert held["sales_by_day"] == [DAYS[2]]
        as_it_is = small_platform.raw_folder.catalog
        declare(small_platform, "sales_by_day", publish_if_checks_failed=True)
        (anyway,) = (export for export in small_platform.export() if export.name == "sales_by_day")
        assert (len(anyway.written), anyway.held_back) == (6, [])
        assert [part.day for part in anyway.written if not part.checks_passed] == [DAYS[2]]
        small_platform.raw_folder.catalog = as_it_is
        (without,) = (export for export in small_platform.export() if export.name == "sales_by_day")
        assert (len(without.written), without.held_back, len(without.removed)) == (5, [DAYS[2]], 1)
        assert [node.name for node in run().failed] == ["unique_fct_sales_transaction_id"], "and again"
        assert doubted(small_platform) == [("fct_sales", DAYS[2])]
    small_platform.transform()
    assert small_platform.stale() == doubted(small_platform) == []
    assert {export.name: len(export.written) for export in small_platform.export()}["sales_by_day"] == 1


def declare(small_platform: SmallPlatform, name: str, **changes: Any) -> None:
    """Let an exposure declare more than it does."""
    exports = [
        Export.model_validate(export.model_dump(exclude_unset=True) | changes) if export.name == name else export
        for export in small_platform.raw_folder.catalog.exports
    ]
    small_platform.raw_folder.catalog = replace(small_platform.raw_folder.catalog, exports=tuple(exports))


def test_a_day_is_split_into_a_file_per_value(small_platform: SmallPlatform) -> None:
    headers = [{"name": "transaction_id", "header": "取引"}, {"name": "unit_price", "header": "単価"}]
    declared = {"format": "csv", "encoding": "cp932", "columns": headers, "language": "ja", "split_by": "slot_no"}
    declare(small_platform, "sales_by_day", **declared)
    (rewritten,) = (export for export in small_platform.export() if export.written)
    assert {(part.day, part.split, part.rows) for part in rewritten.written} == {
        (day, slot, 1) for day in DAYS for slot in ("01", "02", "03")
    }
    folder = small_platform.raw_folder.folder / "processed"
    first = rewritten.written[0]
    assert first.path.startswith(f"sales_by_day/sales_by_day_{DAYS[0]}_01_")
    lines = (folder / first.path).read_bytes().decode("cp932").splitlines()
    assert lines == ['"取引","単価"', f'"VM001-{DAYS[0]}-0001",130']
    manifest_json = json.loads((folder / "sales_by_day" / "manifest.json").read_text())
    assert (manifest_json["contract"]["language"], manifest_json["contract"]["split_by"]) == ("ja", "slot_no")
    assert manifest_json["columns"][1] == {"name": "単価", "type": "int64", "column": "unit_price"}
    assert {path.suffix for path in (folder / "sales_by_day").rglob("*.*")} == {".csv", ".json"}, "no file shows more"

    (folder / first.path).unlink()
    assert [part.path for export in small_platform.export() for part in export.written] == [first.path]
    assert not any(export.written for export in small_platform.export())


def test_a_day_with_one_unwritable_file_gets_no_files(small_platform: SmallPlatform) -> None:
    """The files of the first slot are fine, that of the second would hold what its encoding has no byte for."""
    declare(small_platform, "sales_by_day", format="csv", encoding="cp932", split_by="slot_no")
    small_platform.export()
    before = small_platform.exports()
    folder = small_platform.raw_folder.folder / "processed" / "sales_by_day"
    files = set(folder.rglob("*.csv"))
    rows = [sales_row(1, day=DAYS[2], product_id="P1"), sales_row(2, day=DAYS[2], product_id="P1", transaction_id="😀")]
    small_platform.run({name(DAYS[2]): sales(*rows)})
    (export_result,) = (export for export in small_platform.export() if export.problem)
    assert export_result.name == "sales_by_day"
    assert export_result.problem is not None
    assert export_result.problem.startswith(f"{DAYS[2]}: cp932 has no '😀'")
    assert set(folder.rglob("*.csv")) == files
    kept = {key: part for key, part in before.items() if key[0] == "sales_by_day"}
    assert {key: part for key, part in small_platform.exports().items() if key[0] == "sales_by_day"} == kept, (
        "the old one stays"
    )


def test_a_replaced_character_is_reported_everywhere(small_platform: SmallPlatform) -> None:
    declare(small_platform, "sales_by_day", format="csv", encoding="cp932", split_by="slot_no", unencodable="replace")
    rows = [
        sales_row(1, day=DAYS[2], product_id="P1"),
        sales_row(2, day=DAYS[2], product_id="P1", transaction_id="T😀"),
    ]
    small_platform.run({name(DAYS[2]): sales(*rows)})
    (export_result,) = (export for export in small_platform.export() if export.name == "sales_by_day")
    assert export_result.problem is None
    (part,) = (part for part in export_result.written if part.replaced)
    assert (part.day, part.split) == (DAYS[2], "02")
    assert export_result.replaced == [f"{part.path}: transaction_id 'T😀'"]
    folder = small_platform.raw_folder.folder / "processed"
    assert "T〓" in (folder / part.path).read_bytes().decode("cp932")
    manifest = json.loads((folder / "sales_by_day" / "manifest.json").read_text())
    (written,) = (one for one in manifest["parts"] if one["path"] == part.path)
    assert written["replaced"] == [{"column": "transaction_id", "text": "T😀", "rows": 1}]
    shown = io.StringIO()
    PlainConsole(width=200, file=shown).print(exported_view([export_result], "processed"))
    assert "sales_by_day: 〓 stands for characters that its encoding lacks (1)" in shown.getvalue()
    assert export_result.replaced[0] in shown.getvalue()


def test_a_number_is_traced_to_its_lines(small_platform: SmallPlatform) -> None:
    catalog = small_platform.raw_folder.catalog
    with small_platform.raw_folder.context.warehouse.reading() as reader:
        for mart in ("fct_sales", "mart_machine_daily", "mart_product_daily", "mart_prefecture_daily"):
            traced = trace(catalog, reader, f"marts.{mart}", [("day", DAYS[3])], with_lines=True)
            sold = [line.values for file in traced.files if file.source == "sales" for line in file.lines]
            assert (
                sum(row["units_sold"] for row in traced.rows) == sum(int(line["quantity"] or 0) for line in sold) == 3
            )
            assert {file.path for file in traced.files if file.source == "sales"} == {name(DAYS[3])}
            assert not traced.is_stale
    small_platform.raw_folder.deliver({name(DAYS[3]): day_of_sales(DAYS[3], 1)})
    small_platform.raw_folder.ingest()
    with small_platform.raw_folder.context.warehouse.reading() as reader:
        assert trace(catalog, reader, "mart_machine_daily", [("day", DAYS[3])]).is_stale
        assert not trace(catalog, reader, "mart_machine_daily", [("day", DAYS[2])]).is_stale


def test_a_removed_export_file_is_written_again(small_platform: SmallPlatform) -> None:
    processed = small_platform.raw_folder.folder / "processed"
    (gone,) = (processed / "sales_by_day").glob(f"*_{DAYS[3]}_*.parquet")
    gone.unlink()
    assert [part.day for export in small_platform.export() for part in export.written] == [DAYS[3]]
    assert gone.is_file()


def test_a_changed_export_file_is_noticed_and_written_again(small_platform: SmallPlatform) -> None:
    (changed,) = (small_platform.raw_folder.folder / "processed" / "machine_daily").glob(f"*_{DAYS[3]}_*.csv")
    before = changed.read_bytes()
    for content in (before + b"1", before.replace(b"1", b"7")):
        changed.write_bytes(content)
        (damage,) = damaged(small_platform)
        assert damage.path.endswith(changed.name)
        assert damage.reason.startswith("it does not hold what was written")
        assert not damage.only_by_hash, "the next run writes it again"
        assert [part.day for export in small_platform.export() for part in export.written] == [DAYS[3]]
        assert changed.read_bytes() == before
        assert damaged(small_platform) == []
        assert not any(export.written for export in small_platform.export())
    times = changed.stat()
    changed.write_bytes(before.replace(b"1", b"7"))
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert damaged(small_platform) == [], "of the same size and time"
    (hidden,) = damaged(small_platform, hashing=True)
    assert (hidden.path, hidden.only_by_hash) == (f"machine_daily/{changed.name}", True)
    assert not any(export.written for export in small_platform.export()), "no run notices it"
    changed.unlink()
    assert [damage.reason for damage in damaged(small_platform)] == ["it is gone"]


def test_copied_exports_are_unchanged(small_platform: SmallPlatform) -> None:
    processed = small_platform.raw_folder.folder / "processed"
    for path in processed.rglob("*.*"):
        os.utime(path, ns=(path.stat().st_mtime_ns + 10**9 * (path.name != "manifest.json"),) * 2)
    assert damaged(small_platform) == []
    assert not any(export.written or export.removed for export in small_platform.export())


def damaged(small_platform: SmallPlatform, *, hashing: bool = False) -> list[Damage]:
    found = verified(
        small_platform.raw_folder.catalog, small_platform.raw_folder.context.storage.processed, hashing=hashing
    )
    return [damage for export in found for damage in export.damaged]


def test_a_manifest_lists_contents_and_deliveries(small_platform: SmallPlatform) -> None:
    processed = small_platform.raw_folder.folder / "processed"
    manifest_json = json.loads((processed / "sales_by_day" / "manifest.json").read_text())
    part = manifest_json["parts"][0]
    assert (part["day"], part["rows"]) == (DAYS[0], 3)
    assert (processed / part["path"]).stat().st_size == part["bytes"]
    raw_files = (processed / part["raw_files"]["path"]).read_bytes()
    assert hashlib.sha256(raw_files).hexdigest() == part["raw_files"]["sha256"]
    assert {"path", "file_id", "sha256"} == set(json.loads(raw_files)[0])
    paths = [raw["path"] for raw in json.loads(raw_files)]
    assert len(paths) == part["raw_files"]["files"]
    assert name(DAYS[0]) in paths
    assert name(DAYS[1]) not in paths
    assert "products_20240301.csv" in paths


def test_an_export_with_a_changed_declaration_is_written_again(small_platform: SmallPlatform) -> None:
    before = small_platform.exports()
    exports = [
        in_cp932(export) if export.name == "machine_daily" else export
        for export in small_platform.raw_folder.catalog.exports
    ]
    small_platform.raw_folder.catalog = replace(small_platform.raw_folder.catalog, exports=tuple(exports))
    (rewritten,) = (export for export in small_platform.export() if export.written)
    assert (rewritten.name, len(rewritten.written), len(rewritten.removed)) == ("machine_daily", 6, 6)
    after = small_platform.exports()
    assert {key: part for key, part in after.items() if key[0] != "machine_daily"} == {
        key: part for key, part in before.items() if key[0] != "machine_daily"
    }
    assert not any(export.written for export in small_platform.export())


def declared(small_platform: SmallPlatform, **otherwise: Any) -> None:
    exports = small_platform.raw_folder.catalog.exports
    changed = [one.model_copy(update=otherwise) if one.name == "machine_daily" else one for one in exports]
    small_platform.raw_folder.catalog = replace(small_platform.raw_folder.catalog, exports=tuple(changed))


def seen(small_platform: SmallPlatform) -> list[tuple[str | None, int]]:
    """What readers see of the export: each file's day and rows."""
    parts = current_parts(small_platform.raw_folder.catalog, small_platform.raw_folder.context.storage.processed)
    return [(part.day, part.rows) for name, part in parts if name == "machine_daily"]


def test_an_export_with_another_split_is_rewritten_as_a_whole(small_platform: SmallPlatform) -> None:
    by_day = seen(small_platform)
    rows = len(small_platform.marts()["mart_machine_daily"])
    assert sum(count for _, count in by_day) == rows
    for otherwise, expected in (
        ({"partition_by": None}, [(None, rows)]),
        ({"partition_by": "business_date"}, by_day),
        ({"file_stem": "machines"}, by_day),
    ):
        declared(small_platform, **otherwise)
        (done,) = (export for export in small_platform.export() if export.written)
        assert (done.name, done.is_rewritten, done.problem) == ("machine_daily", True, None)
        assert seen(small_platform) == expected, otherwise
        assert not any(export.written or export.removed for export in small_platform.export()), "that was all"
    parts = current_parts(small_platform.raw_folder.catalog, small_platform.raw_folder.context.storage.processed)
    assert {part.path.split("/")[1][:9] for name, part in parts if name == "machine_daily"} == {"machines_"}


def test_an_export_that_cannot_be_rewritten_as_a_whole_stays(small_platform: SmallPlatform) -> None:
    before, files = small_platform.exports(), set((small_platform.raw_folder.folder / "processed").rglob("*.*"))
    declared(small_platform, partition_by=None)
    checks = "update raw._builds set checks_passed = {} where model = 'mart_machine_daily' and day(business_date) = 3"
    with duckdb.connect(str(small_platform.raw_folder.folder / "dbt_dev.duckdb")) as connection:
        connection.execute(checks.format("false"))
    (held,) = (export for export in small_platform.export() if export.problem)
    assert (held.name, held.written, "as a whole" in str(held.problem)) == ("machine_daily", [], True)
    assert (small_platform.exports(), set((small_platform.raw_folder.folder / "processed").rglob("*.*"))) == (
        before,
        files,
    )
    with duckdb.connect(str(small_platform.raw_folder.folder / "dbt_dev.duckdb")) as connection:
        connection.execute(checks.format("true"))
    small_platform.export()
    assert [day for day, _ in seen(small_platform)] == [None]


def test_an_unreadable_manifest_is_written_again(small_platform: SmallPlatform) -> None:
    before = small_platform.exports()
    manifest = small_platform.raw_folder.folder / "processed" / "sales_by_day" / "manifest.json"
    manifest_json = json.loads(manifest.read_text())
    manifest.write_text(
        json.dumps(manifest_json | {"parts": [part | {"raw_files": []} for part in manifest_json["parts"]]})
    )
    assert {export.name: len(export.written) for export in small_platform.export() if export.written} == {
        "sales_by_day": 6
    }
    assert small_platform.exports() == before


def test_a_removed_list_of_raw_files_is_written_again(small_platform: SmallPlatform) -> None:
    (gone,) = (small_platform.raw_folder.folder / "processed" / "sales_by_day" / "raw-files").glob(f"{DAYS[3]}_*.json")
    gone.unlink()
    small_platform.export()
    assert gone.is_file()


def in_cp932(export: Export) -> Export:
    return export.model_copy(update={"encoding": CsvEncoding.CP932})


def test_the_previous_export_stays_readable_until_the_next(small_platform: SmallPlatform) -> None:
    processed = small_platform.raw_folder.folder / "processed" / "machine_daily"
    old = set(processed.rglob("*.*"))
    small_platform.run({name(DAYS[2]): day_of_sales(DAYS[2], 1)})
    small_platform.export()
    assert old <= set(processed.rglob("*.*"))
    small_platform.run({name(DAYS[5]): day_of_sales(DAYS[5], 1)})
    small_platform.export()
    left = Counter(path.parent.name for path in processed.rglob("*.*"))
    assert left["machine_daily"] == len(DAYS) + 2, "the days, the manifest, and the one file that was superseded last"
    assert left["raw-files"] == len(DAYS) + 1, "the days, and the one that was superseded last"


def test_a_page_gets_a_file_a_month_and_all_tables_of_one_moment(small_platform: SmallPlatform) -> None:
    processed = small_platform.raw_folder.context.storage.processed
    small_platform.run({name(day): day_of_sales(day) for day in ("2024-02-28", "2024-02-29")})
    for export in ("machine_daily", "product_daily"):
        declare(small_platform, export, format="dashboard", encoding=None)
    assert read_page_manifest(processed) is None
    small_platform.export()
    first = page_of(small_platform)
    assert list(first.tables) == ["mart_machine_daily", "mart_product_daily"]
    files = first.tables["mart_machine_daily"].files
    assert [(file.month, file.rows) for file in files] == [("2024-02", 2), ("2024-03", 6)]
    folder = small_platform.raw_folder.folder / "processed"
    rows = pq.read_table([folder / file.path for file in files])
    assert rows.select(["business_date", "machine_id", "sales_with_tax"]).to_pylist() == small_platform.raw_folder.rows(
        "select business_date, machine_id, sales_with_tax from marts.mart_machine_daily order by business_date"
    )
    assert not any(export.written for export in small_platform.export())
    assert page_of(small_platform) == first, "nothing has changed, so neither has its time"

    small_platform.run({name("2024-02-29"): day_of_sales("2024-02-29", 1)})
    written = [
        part.path for export in small_platform.export() if export.name == "machine_daily" for part in export.written
    ]
    second = page_of(small_platform)
    assert [file.path for file in second.tables["mart_machine_daily"].files] == [*written, files[1].path]
    assert all((folder / path).is_file() for path in first.paths), "who has the page open reads on"
    small_platform.run({name("2024-02-28"): day_of_sales("2024-02-28", 1)})
    small_platform.export()
    left = {path.relative_to(folder).as_posix() for path in (folder / "machine_daily").glob("*.parquet")}
    assert left == {path for path in (second.paths | page_of(small_platform).paths) if path.startswith("machine")}


def page_of(small_platform: SmallPlatform) -> PageManifest:
    found = read_page_manifest(small_platform.raw_folder.context.storage.processed)
    assert found is not None
    return found


def test_what_a_page_shows_stays_while_exports_are_replaced_twice(
    small_platform: SmallPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends before the page's list is written leaves it as it was, and so does the one after."""
    declare(small_platform, "machine_daily", format="dashboard", encoding=None)
    small_platform.export()
    before = page_of(small_platform)
    folder = small_platform.raw_folder.folder / "processed"

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "write_page_manifest", killed)
        for number in (1, 2):
            small_platform.run({name(DAYS[2]): day_of_sales(DAYS[2], *range(1, number + 1))})
            with pytest.raises(KeyboardInterrupt):
                small_platform.export()
            assert page_of(small_platform) == before
            assert all((folder / path).is_file() for path in before.paths)
    small_platform.export()
    assert page_of(small_platform) != before


def test_a_month_waits_for_its_stale_days_and_is_held_back_with_a_failed_one(small_platform: SmallPlatform) -> None:
    declare(small_platform, "machine_daily", format="dashboard", encoding=None)
    small_platform.export()
    before = page_of(small_platform)
    checks = (
        "update raw._builds set checks_passed = {}, built_at = now()"
        " where model = 'mart_machine_daily' and day(business_date) = 3"
    )
    with duckdb.connect(str(small_platform.raw_folder.folder / "dbt_dev.duckdb")) as connection:
        connection.execute(checks.format("false"))
    (held,) = (export for export in small_platform.export() if export.name == "machine_daily")
    assert (held.written, held.held_back) == ([], ["2024-03"])
    assert page_of(small_platform) == before
    with duckdb.connect(str(small_platform.raw_folder.folder / "dbt_dev.duckdb")) as connection:
        connection.execute(checks.format("true"))
    waiting = {date(2024, 3, 5): frozenset({"mart_machine_daily"})}
    context = small_platform.raw_folder.context
    done = export_all(
        small_platform.raw_folder.catalog,
        context.warehouse,
        context.storage.processed,
        run_id="test",
        names=["machine_daily"],
        stale=lambda _: waiting,
    )
    assert [export.written for export in done] == [[]]
