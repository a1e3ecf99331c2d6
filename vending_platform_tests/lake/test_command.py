"""`vending lake`, as a person uses it."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from vending_platform.cli.app import app
from vending_platform.lake.changes import append
from vending_platform.lake.notebook import read
from vending_platform_tests.lake.lakes import STOCK, local_lake, rows, stock_table


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lake = local_lake(tmp_path)
    stock_table(lake)
    append(lake, STOCK, rows((1, "お茶", 5), (2, None, None)))
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    return tmp_path


def lake(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["lake", *arguments])


@pytest.mark.usefixtures("folder")
def test_what_there_is_is_shown() -> None:
    assert "staging.stock" in lake("tables").output
    (table,) = json.loads(lake("tables", "--json").output)
    assert (table["table"], table["rows"], table["files"]) == ("staging.stock", 2, 1)
    assert "key: id; partitioned by: nothing; 1 snapshot" in lake("describe", "staging.stock").output
    assert [column["name"] for column in json.loads(lake("describe", "staging.stock", "--json").output)["columns"]] == [
        *("id", "name", "units")
    ]
    (entry,) = json.loads(lake("history", "staging.stock", "--json").output)
    assert (entry["operation"], entry["added_rows"]) == ("append", 2)
    assert "append" in lake("history", "staging.stock").output
    (done,) = json.loads(lake("maintain", "--json").output)
    assert done["table"] == "staging.stock"
    assert "staging.stock" in lake("maintain", "staging.stock").output


def test_rows_come_in_every_form(folder: Path) -> None:
    sql = "select * from stock order by id"
    assert "お茶" in lake("sql", sql).output
    as_csv = lake("sql", sql, "--format", "csv")
    assert as_csv.stdout == '"id","name","units"\n1,"お茶",5\n2,,\n'
    assert "staging.stock: 1 of 1 files" in as_csv.stderr
    lines = lake("sql", sql, "--format", "json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": 1, "name": "お茶", "units": 5},
        {"id": 2, "name": None, "units": None},
    ]
    lake("sql", sql, "--format", "parquet", "--output", str(folder / "x.parquet"))
    assert pq.read_table(folder / "x.parquet").num_rows == 2


@pytest.mark.usefixtures("folder")
def test_wrong_questions_have_one_sentence_for_an_answer() -> None:
    for arguments, code, words in (
        (("sql", "drop table x"), 1, "only one SELECT can be run"),
        (("sql", "select * from stock", "--as-of", "never"), 1, "'never' is neither a snapshot's id nor a time"),
        (("sql", "select 1", "--format", "parquet"), 2, "name a file with --output"),
        (("describe", "stock"), 2, "has no namespace"),
        (("history", "gold.nothing"), 1, "the lake has no table gold.nothing; there are: staging.stock"),
    ):
        result = lake(*arguments)
        assert (result.exit_code, words in " ".join(result.output.split())) == (code, True), result.output


@pytest.mark.usefixtures("folder")
def test_a_notebook_reads_it_in_two_lines() -> None:
    assert read("select name from staging.stock where id = 1").to_pylist() == [{"name": "お茶"}]


def test_an_empty_lake_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    assert "no table yet" in lake("tables").output
    assert "no table yet" in lake("maintain").output
