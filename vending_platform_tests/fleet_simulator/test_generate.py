"""The promises of `generate` itself: reproducible, repeatable, careful with what is not its own, clear."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from fleet_simulator import assortment, fleet, generate
from vending_platform_tests.properties import examples

from .reading import contracts, judge, replay, source_of, strict_rows, table, tree

ROOT = Path(__file__).parents[2]


def test_same_seed_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from fleet_simulator import generate;"
        "generate(Path(sys.argv[1]), machines=8, days=14, seed=1, untidy=True)"
    )
    trees = []
    for hash_seed in ("1", "4711"):
        folder = tmp_path / hash_seed
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": f"UTC{hash_seed[0]}", "LC_ALL": "C"}
        subprocess.run([sys.executable, "-c", script, str(folder)], check=True, cwd=ROOT, env=environment)
        trees.append(tree(folder))
    assert trees[0] == trees[1]


def test_other_seed_gives_other_deliveries(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    generate(first, machines=2, days=3, seed=1)
    generate(second, machines=2, days=3, seed=2)
    ours, theirs = tree(first / "sources"), tree(second / "sources")
    sales = [name for name in ours if name.startswith("sales_")]
    assert sales
    assert all(ours[name] != theirs[name] for name in sales)


def test_a_machine_is_the_same_in_a_small_and_in_a_large_fleet(tidy: Path, tmp_path: Path) -> None:
    generate(tmp_path, machines=40, days=28, seed=7)
    small, large = tree(tidy / "sources"), tree(tmp_path / "sources")
    names = [name for name in small if "_VM" in name]
    assert names
    assert all(small[name] == large[name] for name in names)


def test_kinds_of_untidiness_without_untidiness_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing is untidy without --untidy"):
        generate(tmp_path, machines=1, days=1, seed=1, only=["crlf"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("untidy", [False, True])
def test_running_again_changes_nothing(tmp_path: Path, untidy: bool) -> None:
    once = generate(tmp_path, machines=3, days=9, seed=4, untidy=untidy)
    before = tree(tmp_path)
    assert generate(tmp_path, machines=3, days=9, seed=4, untidy=untidy) == once
    assert tree(tmp_path) == before
    assert once.files == len(list((tmp_path / "sources").iterdir()))
    assert once.bytes == sum(path.stat().st_size for path in (tmp_path / "sources").iterdir())


def test_only_own_and_unchanged_files_are_removed(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    generate(tmp_path, machines=3, days=9, seed=4)
    (sources / "sales_VM001_20230101.csv").write_bytes(b"of another program\n")
    changed = sources / "sales_VM003_20240302.csv"
    changed.write_bytes(b"changed later\n")
    generate(tmp_path, machines=2, days=9, seed=4)
    kept = {path.name for path in sources.iterdir()}
    assert {"sales_VM001_20230101.csv", changed.name} <= kept
    assert [name for name in kept if "VM003" in name] == [changed.name]
    assert changed.read_bytes() == b"changed later\n"


def test_files_of_an_earlier_run_do_not_matter(tmp_path: Path) -> None:
    again, fresh = tmp_path / "again", tmp_path / "fresh"
    generate(again, machines=8, days=14, seed=1)
    generate(again, machines=8, days=14, seed=2, untidy=True)
    generate(again, machines=8, days=14, seed=1, untidy=True)
    generate(fresh, machines=8, days=14, seed=1, untidy=True)
    assert tree(again) == tree(fresh)


@pytest.mark.parametrize("rows_per_file", [0, 1, 100, 1700])
def test_rows_per_file_is_exact(tmp_path: Path, rows_per_file: int) -> None:
    generate(tmp_path, machines=6, days=10, seed=2, rows_per_file=rows_per_file)
    files = list((tmp_path / "sources").glob("sales_*"))
    assert len(files) == 60
    assert {path.read_bytes().count(b"\n") for path in files} == {rows_per_file + 1}
    assert not table(tmp_path / "truth/stockouts.csv")
    declared = contracts()
    for path in (tmp_path / "sources").glob("replenishment_*"):
        assert judge(path.name, path.read_bytes(), declared["replenishment_records"]).bad_lines == ()


@pytest.mark.parametrize(("machines", "last"), [(1, "VM001"), (1000, "VM1000")])
def test_ids_grow_a_digit_with_the_fleet(machines: int, last: str) -> None:
    day = date(2024, 3, 1)
    built = fleet.build(machines, 1, day, 1, assortment.build(1, day, 1), None).machines
    assert built[-1].machine_id == last
    assert {len(machine.machine_id) for machine in built} == {len(last)}


@pytest.mark.parametrize("untidy", [False, True])
def test_progress_counts_every_file_once(tmp_path: Path, untidy: bool) -> None:
    calls: list[tuple[int, int]] = []
    made = generate(
        tmp_path,
        machines=6,
        days=12,
        seed=1,
        untidy=untidy,
        on_file=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(done, made.files) for done in range(1, made.files + 1)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"machines": 0}, "machines must be from 1"),
        ({"machines": 100_000}, "machines must be from 1 to"),
        ({"machines": 2.5}, "machines must be a whole number"),
        ({"machines": True}, "machines must be a whole number"),
        ({"days": 0}, "days must be from 1"),
        ({"days": -3}, "days must be from 1"),
        ({"seed": -1}, "seed must be from 0"),
        ({"seed": "1"}, "seed must be a whole number"),
        ({"rows_per_file": -1}, "rows_per_file must be from 0"),
        ({"rows_per_file": 10**9}, "rows_per_file must be from 0 to"),
        ({"first_day": "2024-03-01"}, "first_day must be a date"),
        ({"first_day": datetime(2024, 3, 1)}, "first_day must be a date without a time"),
        ({"first_day": date(1, 1, 1)}, "first_day must lie from"),
    ],
)
def test_impossible_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any], sentence: str
) -> None:
    arguments: dict[str, Any] = {"machines": 2, "days": 2, "seed": 1, **wrong}
    with pytest.raises(ValueError, match=sentence):
        generate(tmp_path / "data", **arguments)
    assert not (tmp_path / "data").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(ValueError, match="must be a folder"):
        generate(tmp_path / "data", machines=1, days=1, seed=1)


@examples(15, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    machines=st.integers(1, 8),
    days=st.integers(1, 8),
    seed=st.integers(0, 2**40),
    untidy=st.booleans(),
    rows_per_file=st.none() | st.integers(0, 40),
)
def test_every_small_fleet_can_be_made_and_replayed(
    tmp_path_factory: pytest.TempPathFactory,
    machines: int,
    days: int,
    seed: int,
    untidy: bool,
    rows_per_file: int | None,
) -> None:
    folder = tmp_path_factory.mktemp("small")
    generate(folder, machines=machines, days=days, seed=seed, untidy=untidy, rows_per_file=rows_per_file)
    assert replay(folder) == tree(folder / "sources")
    declared = contracts()
    for row in table(folder / "truth/deliveries.csv"):
        content = (folder / "sources" / row["name"]).read_bytes()
        named = source_of(row["name"])
        if named is None:
            assert row["outcome"] == "undeclared"
            continue
        verdict = judge(row["name"], content, declared[named[0]])
        assert (verdict.outcome, len(verdict.good)) == (row["outcome"], int(row["rows_good"])), row
        if verdict.rows is not None:
            assert len(strict_rows(content)) - 1 == int(row["rows_delivered"])
