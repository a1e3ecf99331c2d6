"""Every kind of untidiness is there, and the truth has for each exactly what an independent reader finds."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet_simulator import generate

from .reading import Unreadable, contracts, judge, replay, source_of, strict_rows, table, tree, truth

KINDS = {
    "another_machines_content", "bad_empty_required", "bad_impossible_date", "bad_price_full_width",
    "bad_price_too_long", "bad_quantity_exponent", "bad_quantity_fraction", "bad_quantity_hexadecimal",
    "bad_quantity_negative", "bad_unknown_status", "broken_quote", "cash_difference", "corrected_short",
    "corrected_values", "crlf", "delivered_twice", "duplicated_column", "empty", "header_only", "late",
    "lone_cr", "master_cp932", "memo_cp932", "missing", "missing_optional_column",
    "missing_required_column", "mostly_bad_rows", "name_copy", "name_hidden", "name_impossible_day",
    "name_note", "nul_bytes", "quoted_memo", "reordered_columns", "replenishment_cp932",
    "row_of_another_machine", "rows_of_a_wrong_day", "truncated_character", "truncated_row",
    "undecodable_byte", "unknown_column", "unknown_machine", "utf8_bom", "withdrawn",
    "wrong_number_of_fields",
}  # fmt: skip

Found = tuple[dict[str, str], bytes]


@pytest.fixture(scope="module")
def by_kind(untidy: Path) -> dict[str, Found]:
    """The truth's row and the bytes of the one file of each kind."""
    return {
        row["untidiness"]: (row, (untidy / "sources" / row["name"]).read_bytes())
        for row in table(untidy / "truth/deliveries.csv")
        if row["untidiness"]
    }


@pytest.fixture(params=["untidy", "untidy_and_larger"])
def fleet(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


def waves(data_dir: Path) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads((data_dir / "truth/waves.json").read_text(encoding="utf-8"))
    return content


def tidy_sheet(data_dir: Path, row: dict[str, str]) -> list[list[str]]:
    """What really happened at the machine on that day, as its sales file should have reported."""
    return [
        list(vend.values())[:-1]
        for vend in table(data_dir / "truth/vends.csv")
        if (vend["machine_id"], vend["sold_at"][:10]) == (row["machine_id"], row["business_day"])
    ]


def test_one_file_of_each_kind_in_the_fleet_of_the_sample(untidy: Path) -> None:
    assert truth(untidy)["counts"]["planted"] == dict.fromkeys(sorted(KINDS), 1)
    assert sum(path.stat().st_size for path in (untidy / "sources").iterdir()) < 1_000_000


def test_a_larger_fleet_has_several_but_stays_mostly_tidy(untidy_and_larger: Path) -> None:
    planted = truth(untidy_and_larger)["counts"]["planted"]
    files = len(list((untidy_and_larger / "sources").iterdir()))
    assert planted.keys() == KINDS
    assert planted["late"] >= 2
    assert 0.02 < sum(planted.values()) / files < 0.05


def test_a_small_fleet_has_fewer_kinds_and_stays_half_tidy(tmp_path: Path) -> None:
    made = generate(tmp_path, machines=2, days=5, seed=1, untidy=True)
    assert 1 < len(made.planted) < 20
    assert max(made.planted.values()) == 1


def test_the_truth_matches_an_independent_reader(fleet: Path) -> None:
    declared = contracts()
    bad_rows: dict[str, list[int]] = defaultdict(list)
    for bad in table(fleet / "truth/bad_rows.csv"):
        bad_rows[bad["name"]].append(int(bad["line"]))
        assert bad["reason"]
    rows = table(fleet / "truth/deliveries.csv")
    assert {row["name"] for row in rows} == {path.name for path in (fleet / "sources").iterdir()}
    for row in rows:
        named = source_of(row["name"])
        if named is None:
            assert row["outcome"] == "undeclared", row
            continue
        assert (row["source"], row["machine_id"], row["business_day"].replace("-", "")) == named
        verdict = judge(row["name"], (fleet / "sources" / row["name"]).read_bytes(), declared[named[0]])
        assert verdict.outcome == row["outcome"], row
        assert row["rows_delivered"] == ("" if verdict.rows is None else str(verdict.rows)), row
        assert int(row["rows_good"]) == len(verdict.good), row
        assert int(row["rows_bad"]) == len(verdict.bad_lines) == len(bad_rows[row["name"]]), row
        assert bad_rows[row["name"]] == list(verdict.bad_lines), row
        if named[0] == "sales":
            sold = [good for good in verdict.good if good["status"] == "completed"]
            assert int(row["units_good"]) == sum(int(good["quantity"]) for good in sold)
            yen = sum(int(good["quantity"]) * int(good["unit_price"]) for good in sold)
            assert int(row["yen_good"]) == yen


def test_the_counts_are_those_of_the_list(fleet: Path) -> None:
    listed = Counter(row["untidiness"] for row in table(fleet / "truth/deliveries.csv") if row["untidiness"])
    listed += Counter(row["reason"] for row in table(fleet / "truth/missing.csv"))
    assert truth(fleet)["counts"]["planted"] == listed


def test_transactions_to_be_loaded_are_unique_and_correct(fleet: Path) -> None:
    declared = contracts()["sales"]
    really = {vend["transaction_id"]: vend for vend in table(fleet / "truth/vends.csv")}
    loaded: set[str] = set()
    for row in table(fleet / "truth/deliveries.csv"):
        if row["source"] == "sales" and row["outcome"] == "loaded":
            content = (fleet / "sources" / row["name"]).read_bytes()
            for good in judge(row["name"], content, declared).good:
                assert good["transaction_id"] not in loaded
                loaded.add(good["transaction_id"])
                if row["untidiness"] != "unknown_machine":
                    vend = really[good["transaction_id"]]
                    assert all(good[column] == vend[column] for column in vend.keys() & good.keys())


def test_replaying_the_waves_gives_the_sources(fleet: Path) -> None:
    assert replay(fleet) == tree(fleet / "sources")
    assert [wave["wave"] for wave in waves(fleet)] == [1, 2, 3]
    put = {entry["content"] for wave in waves(fleet) for entry in wave["put"]}
    assert {path.name for path in (fleet / "truth/contents").iterdir()} <= put


def test_missing_files_are_those_due_and_absent(fleet: Path) -> None:
    known = truth(fleet)
    first = date.fromisoformat(known["arguments"]["first_day"])
    due = set()
    for machine in known["machines"]:
        for offset in range(known["arguments"]["days"]):
            day = (first + timedelta(days=offset)).isoformat()
            if machine["installed_on"] <= day <= (machine["removed_on"] or "9999"):
                due.add((machine["machine_id"], day))
    there = {
        (row["machine_id"], row["business_day"])
        for row in table(fleet / "truth/deliveries.csv")
        if row["source"] == "sales"
    }
    missing = [(row["machine_id"], row["business_day"]) for row in table(fleet / "truth/missing.csv")]
    assert sorted(missing) == sorted(due - there)
    assert {row["reason"] for row in table(fleet / "truth/missing.csv")} == {"missing", "withdrawn"}


def test_waves_distinguish_late_corrected_repeated_and_withdrawn(untidy: Path, by_kind: dict[str, Found]) -> None:
    puts: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for wave in waves(untidy):
        for put in wave["put"]:
            puts[put["name"]].append((wave["wave"], put["content"]))
    assert [wave for wave, _ in puts[by_kind["late"][0]["name"]]] in ([2], [3])
    for kind in ("corrected_short", "corrected_values"):
        row, final = by_kind[kind]
        (first_wave, first), (second_wave, second) = puts[row["name"]]
        assert (first_wave, second_wave) == (1, 2)
        assert first != second
        early = judge(row["name"], (untidy / "truth/contents" / first).read_bytes(), contracts()["sales"])
        assert len(early.good) < int(row["rows_good"])
        assert strict_rows(final)[1:] == tidy_sheet(untidy, row)
    repeated = puts[by_kind["delivered_twice"][0]["name"]]
    assert [wave for wave, _ in repeated] == [1, 2]
    assert len({content for _, content in repeated}) == 1
    withdrawn = [row for row in table(untidy / "truth/missing.csv") if row["reason"] == "withdrawn"]
    deleted = [name for wave in waves(untidy) for name in wave["delete"]]
    days = [f"sales_{row['machine_id']}_{row['business_day'].replace('-', '')}.csv" for row in withdrawn]
    assert deleted == days


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("empty", lambda content: content == b""),
        ("header_only", lambda content: content.count(b"\n") == 1),
        ("truncated_row", lambda content: not content.endswith(b"\n")),
        ("utf8_bom", lambda content: content.startswith(b"\xef\xbb\xbftransaction_id")),
        ("crlf", lambda content: content.count(b"\r\n") == content.count(b"\n") > 1),
        ("lone_cr", lambda content: b"\n" not in content and content.count(b"\r") > 1),
        ("nul_bytes", lambda content: b"\0" in content),
        ("broken_quote", lambda content: content.count(b'"') == 1),
        ("bad_quantity_exponent", lambda content: b",1e3," in content),
        ("bad_quantity_fraction", lambda content: b",1.5," in content),
        ("bad_quantity_hexadecimal", lambda content: b",0x1F," in content),
        ("bad_quantity_negative", lambda content: b",-1," in content),
        ("bad_price_full_width", lambda content: "１２０" in content.decode()),
        ("bad_impossible_date", lambda content: b",2024-02-30 " in content),
        ("missing_required_column", lambda content: b"status" not in content),
        ("missing_optional_column", lambda content: b"removal_reason" not in content),
        ("duplicated_column", lambda content: content.split(b"\n")[0].count(b"quantity") == 2),
        ("reordered_columns", lambda content: content.startswith(b"status,")),
        ("unknown_column", lambda content: content.split(b"\n")[0].endswith(b",firmware")),
    ],
)
def test_the_bytes_have_the_defect_of_their_kind(by_kind: dict[str, Found], kind: str, holds: Any) -> None:
    assert holds(by_kind[kind][1])


@pytest.mark.parametrize("kind", ["memo_cp932", "replenishment_cp932", "master_cp932"])
def test_cp932_files_need_the_extended_characters(by_kind: dict[str, Found], kind: str) -> None:
    content = by_kind[kind][1]
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    with pytest.raises(UnicodeDecodeError):
        content.decode("shift_jis")
    assert "㈱" in content.decode("cp932")


@pytest.mark.parametrize("kind", ["undecodable_byte", "truncated_character"])
def test_broken_characters_are_in_no_allowed_encoding(by_kind: dict[str, Found], kind: str) -> None:
    content = by_kind[kind][1]
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    with pytest.raises(Unreadable):
        strict_rows(content)
    assert "memo" in content.decode("utf-8", errors="replace").splitlines()[0]


@pytest.mark.parametrize("kind", ["utf8_bom", "crlf", "lone_cr", "unknown_column", "quoted_memo", "memo_cp932"])
def test_other_bytes_contain_the_same_rows(untidy: Path, by_kind: dict[str, Found], kind: str) -> None:
    row, content = by_kind[kind]
    assert [found[:9] for found in strict_rows(content)[1:]] == tidy_sheet(untidy, row)


def test_quoted_memos_contain_separators_line_breaks_and_quotes(by_kind: dict[str, Found]) -> None:
    memos = "".join(row[-1] for row in strict_rows(by_kind["quoted_memo"][1])[1:])
    assert all(character in memos for character in ',\n"')


def test_another_machines_content_is_a_copy_of_a_file_that_is_there(untidy: Path, by_kind: dict[str, Found]) -> None:
    row, content = by_kind["another_machines_content"]
    same = [name for name, held in tree(untidy / "sources").items() if held == content and name != row["name"]]
    assert len(same) == 1
    assert same[0].endswith(row["name"][-12:])


def test_unknown_machine_is_not_in_the_master(untidy: Path, by_kind: dict[str, Found]) -> None:
    row, _ = by_kind["unknown_machine"]
    assert row["machine_id"] not in {machine["machine_id"] for machine in truth(untidy)["machines"]}


def test_cash_differences_are_in_the_file_and_in_the_truth(fleet: Path) -> None:
    planted = {entry["visit_id"]: entry for entry in truth(fleet)["cash_differences"]}
    assert len(planted) == truth(fleet)["counts"]["planted"]["cash_difference"]
    in_box = {row["visit_id"]: int(row["cash_in_box"]) for row in table(fleet / "truth/visits.csv")}
    for path in (fleet / "sources").glob("replenishment_*"):
        header, *rows = strict_rows(path.read_bytes())
        for row in rows:
            values = dict(zip(header, row, strict=True))
            if values["cash_collected"]:
                visit_id, reported = values["visit_id"], int(values["cash_collected"])
                assert (reported != in_box[visit_id]) == (visit_id in planted)
                if visit_id in planted:
                    assert planted[visit_id] == {
                        "visit_id": visit_id,
                        "cash_in_box": in_box[visit_id],
                        "cash_collected": reported,
                    }
