"""Adding a source is YAML and nothing else: a file unlike ours, from its contract to its rows."""

import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from vending_platform.catalog import Catalog, load_catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.ingestion import check
from vending_platform_tests.ingestion.raw_folder import RawFolder

CONTRACT = """
version: 2
sources:
  - name: card_company
    schema: raw
    tables:
      - name: card_settlements
        description: What the card company pays out, in a form of its own.
        config:
          meta:
            files:
              names: ["Settlement Report {any}.txt"]
              delivery: append
              key: [settlement_no]
              day_column: settled_on
              encodings: [cp932]
              delimiter: ";"
              quote: "'"
              decimal_mark: ","
              thousands_mark: "."
              currency_signs: ["￥", "円"]
              final_newline: optional
              refuse_above: 80%
        columns:
          - {name: settlement_no, data_type: integer, config: {meta: {header: "Settlement No", required: true}}}
          - {name: settled_on, data_type: date,
             config: {meta: {header: "Settled On", required: true, formats: ["%-m/%-d/%Y"]}}}
          - {name: amount, data_type: "decimal(12,2)", config: {meta: {header: "Net Amount (￥)"}}}
          - {name: shop, data_type: text, config: {meta: {header: "Shop"}}}
          - {name: is_final, data_type: boolean,
             config: {meta: {header: "Final?", true_values: ["○"], false_values: ["×"]}}}
          - {name: paid_at, data_type: timestamp,
             config: {meta: {header: "Paid At", formats: ["%m/%d/%Y %I:%M %p"], time_zone: America/New_York}}}
"""
FILE = """Shop;Settlement No;Settled On;Net Amount (￥);Final?;Paid At
'本店; 一階';0017;3/5/2024;￥1.234.567,89;○;03/05/2024 09:30 AM
㈱駅前;18;12/31/2023;-250円;×;
'it''s';19;2/30/2024;1,5;○;
x;20;3/6/2024;1.23,4;○;
x;21;3/6/2024;12,345;?;13:00
"""
NAME = "Settlement Report (March) ①.txt"


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    project = tmp_path_factory.mktemp("project") / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "models" / "staging" / "card_company").mkdir()
    (project / "models" / "staging" / "card_company" / "_card_company__sources.yml").write_text(CONTRACT)
    return load_catalog(project, tmp_path_factory.mktemp("cache"))


def test_its_files_become_rows(eight: Catalog, tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    raw_folder = RawFolder(tmp_path, eight)
    raw_folder.deliver({NAME: FILE.encode("cp932")})
    summary = raw_folder.ingest()
    assert [version.path for version in summary.loaded] == [NAME]
    columns = "settlement_no, settled_on, amount, shop, is_final, paid_at, _business_date"
    first, second = raw_folder.rows(f"select {columns} from raw.card_settlements order by 1")
    assert first == {
        "settlement_no": 17,
        "settled_on": date(2024, 3, 5),
        "amount": Decimal("1234567.89"),
        "shop": "本店; 一階",
        "is_final": True,
        "paid_at": datetime(2024, 3, 5, 23, 30),
        "_business_date": date(2024, 3, 5),
    }
    assert (second["amount"], second["shop"], second["is_final"]) == (Decimal("-250.00"), "㈱駅前", False)
    assert second["_business_date"] == date(2023, 12, 31), "one file, many days"
    assert [
        (row["line"], row["reason"]) for row in raw_folder.rows("select * from raw._rejected_rows order by line")
    ] == [
        (4, "settled_on '2/30/2024' is not a valid date of the form %-m/%-d/%Y"),
        (5, "amount '1.23,4' is not a valid number with at most 10 digits before and 2 after the decimal mark"),
        (
            6,
            "amount '12,345' is not a valid number with at most 10 digits before and 2 after the decimal mark;"
            " is_final '?' is none of: ○, ×; paid_at '13:00' is not a valid timestamp of the form %m/%d/%Y %I:%M %p",
        ),
    ]


def test_a_second_file_adds_to_the_first(eight: Catalog, tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    raw_folder = RawFolder(tmp_path, eight)
    head, row, *_ = FILE.splitlines(keepends=True)
    raw_folder.deliver({NAME: (head + row).encode("cp932")})
    raw_folder.ingest()
    raw_folder.deliver({"Settlement Report 2.txt": (head + row.replace("0017", "22")).encode("cp932")})
    raw_folder.ingest()
    assert [
        r["settlement_no"] for r in raw_folder.rows("select settlement_no from raw.card_settlements order by 1")
    ] == [
        17,
        22,
    ]


def test_its_errors_have_the_same_messages(eight: Catalog, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(FILE.encode("cp932"))
    checked = check(eight, tmp_path / NAME)
    assert checked.source == "card_settlements"
    assert (checked.accepted, checked.rejected) == (2, 3)
    assert checked.refused is None
    assert checked.findings[0].reason == "settled_on '2/30/2024' is not a valid date of the form %-m/%-d/%Y"
    assert (checked.findings[0].line, checked.findings[0].column) == (4, "settled_on")
