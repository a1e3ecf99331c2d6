"""Of rows with the same key one counts, by what the files hold and by nothing else: not by their order, by when they
came, or by what was there before."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import Catalog, Source
from vending_platform.ledger import OF_BUILDS, duplicates, prepare_ledger
from vending_platform.transformation import one_per_key
from vending_platform.transformation.deliveries import read_deliveries
from vending_platform.transformation.input_versions import raw_versions
from vending_platform.transformation.one_per_key import same_keys
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.ingestion.test_forms import contract
from vending_platform_tests.properties import examples

Row = tuple[str, datetime, int]
Files = Mapping[str, list[Row]]
COLUMNS: dict[str, Any] = {"at": {"type": "timestamp", "required": True}, "yen": {"type": "integer"}}
KINDS: dict[str, dict[str, Any]] = {
    "append by time": {"day_column": "at"},
    "append without a day": {},
    "daily by time": {"names": "{any}_{yyyymmdd}.csv", "delivery": "daily", "day_column": "at", "day_tolerance": "1d"},
    "daily": {"names": "{any}_{yyyymmdd}.csv", "delivery": "daily"},
}
PATHS = {
    "append": ["any_1.csv", "any_2.csv", "x/any_1.csv"],
    "daily": ["a_20240305.csv", "a_20240306.csv", "b_20240305.csv"],
}


def source_of(kind: str) -> Source:
    return contract(COLUMNS, refuse_above="100%", **KINDS[kind])


def paths_of(source: Source) -> list[str]:
    return PATHS["daily" if source.is_dated else "append"]


def deliver(raw_folder: RawFolder, files: Files) -> None:
    """The files there are now; whatever is no longer among them is withdrawn."""
    for path in raw_folder.sources.rglob("*.csv"):
        if str(path.relative_to(raw_folder.sources)) not in files:
            path.unlink()
    header = "id,at,yen\n"
    raw_folder.deliver(
        {
            path: (header + "".join(f"{key},{at},{yen}\n" for key, at, yen in rows)).encode()
            for path, rows in files.items()
        }
    )
    raw_folder.ingest()
    raw_folder.ingest(withdraw=True)


def looked_at(raw_folder: RawFolder) -> set[date | None]:
    """As a run does before dbt starts; gives the days on which another row counts."""
    (source,) = raw_folder.catalog
    with raw_folder.warehouse.writing("test", print) as writer:
        prepare_ledger(writer, OF_BUILDS)
        raw = raw_versions(raw_folder.catalog, read_deliveries(writer, raw_folder.catalog))
        found = same_keys(writer, source, raw)
        writer.publish(found.remember, lambda _: None)
        assert same_keys(writer, source, raw).remember == (), "nothing is left to be looked at"
    return set(found.moved)


def counting(raw_folder: RawFolder) -> dict[date | None, set[tuple[str, str, int]]]:
    """Per business day, what models read: key, path and line."""
    rows = raw_folder.rows(
        "select id, path, _line, _business_date as day from raw.anything join raw._files on _file_id = file_id"
        " where not exists (select 1 from raw._duplicates as d where d.source = 'anything'"
        " and d.file_id = _file_id and d.line = _line)"
    )
    found: dict[date | None, set[tuple[str, str, int]]] = {}
    for row in rows:
        found.setdefault(row["day"], set()).add((row["id"], row["path"], row["_line"]))
    return found


def expected(source: Source, files: Files) -> set[tuple[str, str, int]]:
    """By the rule's own words."""
    by_time = source.files.day_column is not None
    best: dict[str, tuple[Any, tuple[str, str, int]]] = {}
    for path, rows in files.items():
        day = date.fromisoformat(path[-12:-4]) if source.is_dated else None
        first_lines: dict[Row, int] = {}
        for line, row in enumerate(rows, start=2):
            first_lines.setdefault(row, line)
            key, at, _ = row
            rank = (by_time and at.date() == day, at if by_time else None, path, line)
            rank = (rank[0], rank[1] or datetime.min, rank[2], rank[3])
            if key not in best or rank > best[key][0]:
                best[key] = (rank, (key, path, first_lines[row]))
            elif best[key][1] == (key, path, first_lines[row]):
                best[key] = (max(best[key][0], rank), best[key][1])
    return {place for _, place in best.values()}


TIMES = [datetime(2024, 3, day, hour) for day in (5, 6) for hour in (0, 12)]
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(TIMES), st.integers(1, 2)), max_size=5)


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, list[Files]]:
    """A kind of source, and which files there are at each of some moments."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    paths = paths_of(source_of(kind))
    states = st.dictionaries(st.sampled_from(paths), ROWS)
    return kind, draw(st.lists(states, min_size=1, max_size=4))


@given(history=histories(), most=st.sampled_from([0, 1, 2_000]))
@examples(12)
def test_what_counts_depends_on_what_the_files_hold_now(
    tmp_path_factory: pytest.TempPathFactory, history: tuple[str, list[Files]], most: int
) -> None:
    kind, states = history
    source = source_of(kind)
    folder = tmp_path_factory.mktemp("history")
    (folder / "sources").mkdir()
    raw_folder = RawFolder(folder, Catalog((source,)))
    before: dict[date | None, set[tuple[str, str, int]]] = {}
    files_before: Files = {}
    with pytest.MonkeyPatch.context() as patch:
        for module in (duplicates, one_per_key):
            patch.setattr(module, "MOST_PARTS", most)
        for files in states:
            deliver(raw_folder, files)
            moved = looked_at(raw_folder)
            now = counting(raw_folder)
            assert set().union(*now.values()) == expected(source, files)
            if source.is_dated:
                untouched = _days(files) - _days(_changed(files, files_before))
                assert all(before.get(day) == now.get(day) for day in untouched - moved), "or nobody builds them again"
            before, files_before = now, files


def _days(paths: Iterable[str]) -> set[date]:
    return {date.fromisoformat(path[-12:-4]) for path in paths}


def _changed(files: Files, before: Files) -> set[str]:
    return {path for path in files.keys() | before.keys() if files.get(path) != before.get(path)}
