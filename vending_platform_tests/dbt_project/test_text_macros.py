"""The macros about texts give the same on DuckDB and on the emulated Snowflake."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from vending_platform.catalog import ProjectError
from vending_platform_tests.dbt_project.copies import Copy

if TYPE_CHECKING:
    from vending_platform_tests.emulators.accounts import Account

NOTES = {
    1: " 　No. 17, for 5.3.2024\t",
    2: "05.03.2024T09:30",
    3: "2024/03/05",
    4: "30.02.2024T09:30",
    5: "a;b'c;;d",
    6: "",
    7: None,
}
MODELS = {
    "texts": """
select
    id,
    {{ trimmed('note') }} as trimmed,
    {{ parsed_time('note', '%d.%m.%YT%H:%M') }} as parsed_time,
    {{ parsed_date('note', '%Y/%m/%d') }} as parsed_date,
    {{ matched_text('note', 'No\\\\. ([0-9]+)', 1) }} as matched_group,
    {{ matched_text('note', '\\\\d+') }} as matched
from notes
""",
    "parts": """
select notes.id, cast(parts.value as varchar) as part
from notes
cross join {{ split_into_rows('notes.note', ';', 'parts') }}
""",
}
EXPECTED = {
    1: ("No. 17, for 5.3.2024", None, None, "17", "17"),
    2: ("05.03.2024T09:30", datetime(2024, 3, 5, 9, 30), None, None, "05"),
    3: ("2024/03/05", None, date(2024, 3, 5), None, "2024"),
    4: ("30.02.2024T09:30", None, None, None, "30"),
    5: ("a;b'c;;d", None, None, None, None),
    6: ("", None, None, None, None),
    7: (None, None, None, None, None),
}
PARTS = [(1, NOTES[1]), (2, NOTES[2]), (3, NOTES[3]), (4, NOTES[4]), (5, ""), (5, "a"), (5, "b'c"), (5, "d"), (6, "")]


def copy_with(folder: Path, **models: str) -> Copy:
    # `notes` comes with the query that is made of what dbt compiles.
    return Copy(folder, {f"dbt_project/models/{name}.sql": text for name, text in models.items()}).make()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copy_with(tmp_path_factory.mktemp("texts"), **MODELS)


def query(sql: str) -> str:
    """The model's SQL with the notes that it reads, in a form of dbt's that the emulator lets pass."""
    notes = " union all ".join(f"select {number} as id, {_written(note)} as note" for number, note in NOTES.items())
    with_notes = f"with notes as ({notes}) {sql}"
    return f"with dbt_internal_unit_test_actual as ({with_notes}) select * from dbt_internal_unit_test_actual"


def _written(note: str | None) -> str:
    return "cast(null as varchar)" if note is None else "'" + note.replace("'", "''") + "'"


def test_on_duckdb(copy: Copy) -> None:
    found = copy.sql.compiled["duckdb"]
    with duckdb.connect() as connection:
        texts = connection.sql(query(found["texts"])).fetchall()
        parts = connection.sql(query(found["parts"])).fetchall()
    assert {number: tuple(values) for number, *values in texts} == EXPECTED
    assert sorted(parts) == PARTS


def test_on_the_emulated_snowflake(copy: Copy, account: "Account") -> None:
    found = copy.sql.compiled["snowflake"]
    as_dbt = '/* {"app": "dbt"} */ '
    with account.warehouse().reading() as reader:
        texts = reader.query(as_dbt + query(found["texts"])).to_pylist()
        parts = reader.query(as_dbt + query(found["parts"])).to_pylist()
    assert {row["id"]: tuple(row.values())[1:] for row in texts} == EXPECTED
    assert sorted((row["id"], row["part"]) for row in parts) == PARTS


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select {{ parsed_time('note', '%Y-%j') }} as day", "'%j' in the format '%Y-%j' is not understood by every"),
        ("select {{ matched_text('note', 'a.*?b') }} as text", "has a group that is not plain, or a lazy quantifier"),
    ],
)
def test_sql_that_one_warehouse_does_not_support_is_refused(sql: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=problem):
        copy_with(tmp_path, bad=sql).manifest  # noqa: B018
