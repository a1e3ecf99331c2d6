"""Which version of a master is valid when; and that dbt's SQL gives a key on a day the row that this rule says."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.ledger import (
    MASTER_VERSIONS_SCHEMA,
    MasterFile,
    MasterVersion,
    judged,
    valid_between,
    versions_after,
)
from vending_platform.transformation.carried import CarriedVersion, carried
from vending_platform_tests.properties import examples

MARCH = [date(2024, 3, day) for day in range(1, 13)]


def stored(content: str, day: int, hour: int = 1, path: str = "products.csv", *, usable: bool = True) -> MasterFile:
    named = date(2024, 3, int(path[-6:-4])) if path[-5:-4].isdigit() else None
    return MasterFile("products", path, content, named, datetime(2024, 3, day, hour, tzinfo=UTC), True, usable)


def after(*files: MasterFile) -> list[tuple[str, int]]:
    versions: list[MasterVersion] = []
    for file in files:
        versions = versions_after(versions, file)
    return [(version.file_id, version.version_day.day) for version in versions]


def test_an_undated_file_was_true_until_the_day_on_which_the_next_was_stored() -> None:
    assert after(stored("a", 1), stored("b", 5)) == [("a", 1), ("b", 5)]
    assert after(stored("a", 1), stored("b", 5), stored("a", 9)) == [("a", 1), ("b", 5), ("a", 9)]
    assert after(stored("a", 1, 16)) == [("a", 2)], "its day is Japan's"


def test_what_replaces_it_on_its_day_or_under_an_older_time_takes_its_place_for_ever() -> None:
    assert after(stored("a", 5, 9), stored("b", 5, 3)) == [("b", 5)]
    assert after(stored("a", 1), stored("b", 5), stored("c", 3)) == [("a", 1), ("c", 3)]
    assert after(stored("a", 5), stored("b", 2), stored("c", 9)) == [("b", 2), ("c", 9)]


def test_a_dated_file_is_what_it_holds_now_and_an_undated_one_outlives_what_cant_be_used() -> None:
    dated = "products_20240304.csv"
    assert after(stored("a", 9, path=dated), stored("b", 1, path=dated)) == [("b", 4)]
    assert after(stored("a", 9, path=dated), stored("b", 9, path=dated, usable=False)) == []
    assert after(stored("a", 1), stored("b", 1, usable=False)) == [("a", 1)]


def test_of_one_day_one_counts_and_the_same_content_again_is_no_new_version() -> None:
    files = [stored("a", 1), stored("b", 5, 1, "b/products.csv"), stored("c", 5, 3), stored("c2", 9, path="z.csv")]
    is_there = {"products.csv": True, "b/products.csv": True, "z.csv": True}
    contents = {"a": "A", "b": "B", "c": "C", "c2": "C"}

    def counting() -> tuple[set[str], set[str]]:
        found = judged([file.version for file in files], is_there, contents)
        history = {version.file_id for version in found if version.is_in_history}
        return history, {version.file_id for version in found if version.is_current_version}

    assert counting() == ({"a", "c"}, {"c"})
    is_there |= {"products.csv": False, "z.csv": False}
    assert counting() == ({"a", "b", "c2"}, {"b"}), "of the same day the one whose file is there"


histories = st.lists(
    st.tuples(st.sampled_from(MARCH), st.dictionaries(st.sampled_from("xyz"), st.integers(1, 3))),
    min_size=1,
    max_size=6,
    unique_by=lambda version: version[0],
).map(sorted)


@examples(25, deadline=None)
@given(history=histories)
def test_dbt_gives_a_key_on_a_day_the_row_of_the_version_that_is_valid_for_it(
    history: list[tuple[date, dict[str, int]]],
) -> None:
    macros = (DBT_PROJECT_DIR / "macros" / "scd2.sql").read_text()
    template: Any = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(macros)
    sql = template.module.scd2("versions", "k", ["a"])
    rows = [
        {"k": k, "a": a, "version_day": since, "is_in_history": True, "is_current_version": since == history[-1][0]}
        for since, listed in history
        for k, a in listed.items()
    ]
    schema = pa.schema(
        [("k", pa.string()), ("a", pa.int64()), ("version_day", pa.date32())]
        + [(name, pa.bool_()) for name in ("is_in_history", "is_current_version")]
    )
    with duckdb.connect() as connection:
        connection.register("versions", pa.Table.from_pylist(rows, schema))
        table: pa.Table = connection.execute(sql).to_arrow_table()
        found = table.to_pylist()
    for key in "xyz":
        listing = [(since, listed[key]) for since, listed in history if key in listed]
        for day in [MARCH[0] - timedelta(days=1), *MARCH]:
            (*at,) = (row["a"] for row in found if row["k"] == key and row["valid_from"] <= day < row["valid_to"])
            valid = valid_between([since for since, _ in listing], day, day)
            assert at == [listing[one][1] for one in valid]


@examples(100, deadline=None)
@given(history=histories)
def test_what_is_carried_is_what_the_version_of_the_day_does_not_say(
    history: list[tuple[date, dict[str, int]]],
) -> None:
    versions = [CarriedVersion(since, str(since), dict.fromkeys(listed, (None, None))) for since, listed in history]
    found = carried(versions)
    for key in {key for _, listed in history for key in listed}:
        listing = [since for since, listed in history if key in listed]
        for day in [MARCH[0] - timedelta(days=1), *MARCH]:
            valid = history[valid_between([since for since, _ in history], day, day)[0]]
            row_of = listing[valid_between(listing, day, day)[0]]
            carries = [carry for carry in found.get(key, ()) if carry.first_day <= day]
            said = carries[-1].version if carries else ""
            assert said == ("" if key in valid[1] else str(row_of))


def test_the_table_has_a_column_for_all_that_is_known_of_a_version() -> None:
    assert MASTER_VERSIONS_SCHEMA.names == [field.name for field in fields(MasterVersion)]
