"""`vending analyse`: on any file with the columns, on a mart, and when a function fails."""

import json
from pathlib import Path

import polars as pl
import pytest

from vending_platform import environment
from vending_platform.defs.vending.analysis import trends
from vending_platform_tests.cli.running import DONE, FAILED, WRONG_USAGE, told, vending
from vending_platform_tests.defs.vending.rows import days
from vending_platform_tests.lineage.events.sent import ends, flushed_events
from vending_platform_tests.lineage.events.specification import check_events

FORMATS = ("csv", "json", "parquet")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "anything.csv"
    days(dict.fromkeys(range(21), 10) | {5: 40}).write_csv(path)
    return path


def test_a_file_becomes_all_results_in_three_formats(file: Path, tmp_path: Path) -> None:
    result = vending("analyse", file, "--out", tmp_path / "out", "--graph", tmp_path / "graph.svg")
    assert result.exit_code == DONE, result.output
    names = {path.stem for path in (tmp_path / "out").iterdir()}
    assert len(names) == 8
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{name}.{kind}" for name in names for kind in FORMATS
    }
    best = json.loads((tmp_path / "out" / "top_performing_days.json").read_text())
    assert best[0]["reason"].startswith("40 units on a Saturday")
    as_parquet = pl.read_parquet(tmp_path / "out" / "top_performing_days.parquet")
    assert as_parquet["reason"].to_list() == [row["reason"] for row in best]
    assert (tmp_path / "graph.svg").read_text().startswith("<svg")


def test_one_result_is_shown_with_its_rows(file: Path) -> None:
    result = vending("analyse", file, "--only", "top_performing_days")
    assert result.exit_code == DONE, result.output
    assert "40 units on a Saturday, 4.0 times the usual 10.0 of 3 such days" in result.output
    assert "trend_analysis" not in result.output


def test_a_function_that_fails_leaves_the_other_results_as_they_are(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vending("analyse", file, "--out", tmp_path / "good")

    def trend_analysis(enriched_daily_summary: pl.DataFrame) -> pl.DataFrame:
        raise ZeroDivisionError("no days")

    trend_analysis.__module__ = trends.__name__
    monkeypatch.setattr(trends, "trend_analysis", trend_analysis)
    result = vending("analyse", file, "--out", tmp_path / "bad")
    assert result.exit_code == FAILED
    assert "trend_analysis: ZeroDivisionError: no days; it was given enriched_daily_summary (42 rows × 15" in told(
        result
    )
    good = {path.name: path.read_bytes() for path in (tmp_path / "good").iterdir()}
    bad = {path.name: path.read_bytes() for path in (tmp_path / "bad").iterdir()}
    assert bad == {name: content for name, content in good.items() if not name.startswith("trend_analysis")}


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_is_saved_is_a_run_with_lineage_from_the_file(
    file: Path, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool
) -> None:
    def trend_analysis(enriched_daily_summary: pl.DataFrame) -> pl.DataFrame:
        raise ZeroDivisionError("no days")

    if not is_whole:
        trend_analysis.__module__ = trends.__name__
        monkeypatch.setattr(trends, "trend_analysis", trend_analysis)
    chosen = ("--only", "trend_analysis", "--only", "cleaned_sales_data")
    result = vending("analyse", file, *chosen, "--save", "--out", tmp_path / "out")
    assert result.exit_code == (DONE if is_whole else FAILED), result.output
    assert "Kept: analysis.cleaned_sales_data" in told(result)
    events = flushed_events(environment.load())
    check_events(events)
    ended = ends(events)
    assert ended["vending analyse"] == ended["analyse"] == ("COMPLETE" if is_whole else "FAIL")
    assert ended["function.trends.trend_analysis"] == ("COMPLETE" if is_whole else "FAIL")
    (cleaned,) = [
        one
        for one in events
        if (one["job"]["name"], one["eventType"]) == ("function.sales.cleaned_sales_data", "COMPLETE")
    ]
    (read,) = cleaned["inputs"]
    assert (read["namespace"], read["name"]) == ("file", str(file))
    assert {one["name"] for one in cleaned["outputs"]} == {
        "dbt_dev.analysis.cleaned_sales_data",
        str(tmp_path / "out" / "cleaned_sales_data"),
    }


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nothing.csv"], FAILED, "there is no file nothing.csv"),
        (["fct_sales"], FAILED, "marts.fct_sales is not in the warehouse: build it with vending run"),
        (["mart_machine_daily"], WRONG_USAGE, "there are: fct_sales"),
        (["data/sources/other.csv"], FAILED, "has no column transaction_id"),
        (["fct_sales", "--only", "best"], WRONG_USAGE, "no result is called 'best'; there are: cleaned_sales_data"),
    ],
)
def test_what_can_not_be_analysed_is_told(words: list[str], code: int, message: str, data: Path) -> None:
    (data / "sources" / "other.csv").write_text("a,b\n1,2\n")
    result = vending("analyse", *words)
    assert (result.exit_code, message in told(result)) == (code, True), result.output
