"""What a module of functions is as a pipeline: its graph, its picture, and which message a mistake gives."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pyarrow as pa
import pytest

from vending_platform.analysis import (
    InputTable,
    NotInstalled,
    PipelineError,
    UnsuitableInput,
    analyse,
    as_input,
    load_pipelines,
    read_files,
    require,
    together,
)
from vending_platform.analysis.drawing import draw
from vending_platform.analysis.pipeline import pipeline_of
from vending_platform_tests.analysis import functions
from vending_platform_tests.analysis.test_running import LOANS

SVG = "{http://www.w3.org/2000/svg}"


def test_a_pipeline_knows_its_functions_in_an_order_in_which_they_can_run() -> None:
    found = pipeline_of(functions)
    names = list(found.functions)
    assert set(names) == {"tidy_loans", "books_per_reader", "most_books", "all_books"}
    assert names.index("tidy_loans") < names.index("books_per_reader") < names.index("most_books")
    assert found.results == [name for name in names if name != "tidy_loans"]
    assert found.tables == ["loans"]
    assert found.functions["books_per_reader"].inputs == ("tidy_loans",)
    assert found.functions["books_per_reader"].checks == ("books_per_reader_keys", "books_per_reader_at_least")
    assert found.functions["books_per_reader"].description == "How many each reader has."
    assert found.functions["books_per_reader"].module == functions.__name__
    assert found.each_day


def test_an_input_that_is_not_declared_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "INPUTS", {})
    with pytest.raises(PipelineError, match="functions takes loans, which no function makes and INPUTS does not"):
        pipeline_of(functions)


def test_a_domain_without_functions_has_no_pipelines() -> None:
    assert load_pipelines("vending_platform.defs.nowhere.analysis") == []


def test_pipelines_become_one_in_which_results_are_inputs() -> None:
    pipelines = load_pipelines("vending_platform.defs.vending.analysis")
    assert [pipeline.name for pipeline in pipelines] == ["forecasts", "sales", "trends"]
    assert [pipeline.each_day for pipeline in pipelines] == [False, True, False]
    whole = together(pipelines, "vending")
    assert "fct_sales" in whole.tables
    assert len(whole.results_of(["fct_sales"])) == 8
    assert pipelines[2].tables == ["daily_sales_summary"]
    assert pipelines[0].code_version != pipelines[1].code_version


def test_the_picture_has_a_box_for_each_function_and_shows_what_failed() -> None:
    pipeline = pipeline_of(functions)
    done = analyse(pipeline, {"loans": LOANS.with_columns(pl.lit("0").alias("books"))})
    drawn = ElementTree.fromstring(draw(pipeline, done))
    classes = {box.findtext(f"{SVG}text"): box.get("class") for box in drawn.iter(f"{SVG}g")}
    assert classes == {
        "loans": "table",
        "tidy_loans": "part",
        "books_per_reader": "result failed",
        "most_books": "result missing",
        "all_books": "result delivered",
    }
    assert len(list(drawn.iter(f"{SVG}path"))) == 4
    plain = ElementTree.fromstring(draw(pipeline))
    assert all("failed" not in str(box.get("class")) for box in plain.iter(f"{SVG}g"))


def test_a_library_that_is_missing_is_named_with_its_extra() -> None:
    with pytest.raises(NotInstalled, match=r"no_such_library is not installed: pip install 'vending-platform\[more\]'"):
        require("no_such_library.part", "more")


def test_the_terminal_imports_no_hamilton() -> None:
    script = (
        "import sys, vending_platform.cli, vending_platform.analysis\n"
        "print([name for name in ('hamilton', 'polars', 'lightgbm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class TestInputs:
    table = InputTable(columns=("reader", "books"), optional=("branch",))

    def test_files_of_several_kinds_are_read_one_below_the_other(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("books,reader,more\n1,ann,x\n", encoding="utf-8")
        (tmp_path / "b.csv").write_bytes("reader,books,branch\n花子,2,本館\n".encode("cp932"))
        pl.DataFrame({"reader": ["bob"], "books": ["3"]}).write_parquet(tmp_path / "c.parquet")
        rows = read_files([tmp_path / name for name in ("a.csv", "b.csv", "c.parquet")], self.table)
        assert rows.rows() == [("ann", "1", None), ("花子", "2", "本館"), ("bob", "3", None)]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"reader,pages\nann,1\n", "has no column books: it has reader, pages"),
            (b"reader,books\nann,\x81\xff\n", "is neither UTF-8 nor CP932"),
            (b"", "can't be read"),
        ],
    )
    def test_what_can_not_be_read_is_named(self, tmp_path: Path, content: bytes, message: str) -> None:
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(UnsuitableInput, match=message):
            read_files([tmp_path / "a.csv"], self.table)

    def test_what_a_function_can_do_without_need_not_be_there(self) -> None:
        assert InputTable(("reader",), is_needed=False).may_be_empty
        assert InputTable(("reader",), history_of="errors").may_be_empty
        assert not self.table.may_be_empty

    def test_rows_of_a_warehouse_need_the_columns_too(self) -> None:
        rows = pa.table({"reader": ["ann"], "books": [1], "more": [2]})
        assert as_input(rows, self.table, "loans").columns == ["reader", "books"]
        with pytest.raises(UnsuitableInput, match="loans has no column books: it has reader"):
            as_input(rows.select(["reader"]), self.table, "loans")
