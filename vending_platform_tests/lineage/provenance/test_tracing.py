"""From a row of a model to the files and lines behind it; the models' tables are written by hand here."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pytest

from vending_platform.catalog import MONTH, Catalog
from vending_platform.ledger import OF_BUILDS, prepare_ledger
from vending_platform.lineage.provenance import NothingToTrace, Trace, WrongQuestion, resolve, trace
from vending_platform_tests.ingestion.raw_folder import RawFolder, machines_file, sales, sales_row

PRODUCTS = (
    "product_id,jan_code,product_name,category_id,unit_cost,list_price,temperature,shelf_life_days,sold_from,sold_to"
)
VISIT = (
    b"record_id,visit_id,machine_id,staff_id,replenished_at,slot_no,product_id,quantity_before,quantity_added,"
    b"quantity_removed\n"
    b"R1,V1,VM001,S1,2024-03-05 10:00:00,01,P1,1,9,0\n"
)


def products(*ids: str) -> bytes:
    return "\n".join([PRODUCTS, *(f"{name},,Tea,C1,60,130,cold,90,2024-01-01," for name in ids), ""]).encode()


def day_of(machine: str, day: str, *wares: str) -> tuple[str, bytes]:
    rows = (sales_row(n, machine, day, product_id=ware, slot_no=ware[-1]) for n, ware in enumerate(wares))
    return f"sales_{machine}_{day.replace('-', '')}.csv", sales(*rows)


FILES = {
    "vending_machines_20240301.csv": machines_file(("VM001", "2024-01-01", "")),
    "vending_machines_20240304.csv": machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-01-01", "")),
    "vending_machines_20240306.csv": machines_file(("VM001", "2024-01-01", "2024-03-31"), ("VM002", "2024-01-01", "")),
    "products_20240301.csv": products("P1", "P2"),
    "products_20240320.csv": products("P1", "P2", "P9"),
    "replenishment_records_VM001_20240305.csv": VISIT,
    **dict(
        [
            day_of("VM001", "2024-03-04", "P1"),
            day_of("VM001", "2024-03-05", "P1", "P2", "P9"),
            day_of("VM002", "2024-03-05", "P2"),
            day_of("VM001", "2024-02-28", "P1"),
        ]
    ),
    "sales_VM002_20240304.csv": b"cut off",
}
MODELS = {
    "mart_machine_daily": "select machine_id, _business_date as business_date, sum(quantity) as units_sold,"
    " 0.5::decimal(5,4) as rate, true as is_known, null::varchar as comment from raw.sales group by all",
    "mart_product_daily": "select product_id, _business_date as business_date, count(*) as vends"
    " from raw.sales group by all",
    "fct_sales": "select transaction_id, machine_id, product_id, _business_date as business_date, sold_at,"
    " _file_id as file_id, _line as line_number from raw.sales",
    "mart_delivery_gaps": "select sender as machine_id, business_date, state from raw._files where source = 'sales'",
    "dim_machines": "select machine_id, max(removed_on) as removed_on from raw.vending_machines group by all",
}
STAFF = "select * from (values ('S1', '山田 太郎'), ('S2', '髙﨑 恵')) as staff (staff_id, staff_name)"


@pytest.fixture(scope="module")
def raw_folder(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> RawFolder:
    raw_folder = RawFolder(tmp_path_factory.mktemp("traced"), catalog)
    raw_folder.sources.mkdir()
    raw_folder.deliver(FILES)
    raw_folder.ingest()
    with raw_folder.warehouse.writing("test", print) as writer:
        prepare_ledger(writer, OF_BUILDS)
    with duckdb.connect(raw_folder.folder / "dbt_dev.duckdb") as connection:
        connection.execute("create schema marts")
        connection.execute("create schema staging")
        connection.execute(f"create view staging.stg_vending__staff as {STAFF}")
        connection.execute("insert into raw._builds (model, raw_version) values ('stg_vending__staff', 'some')")
        connection.execute("insert into raw._builds (model, raw_version) values ('mart_waste', 'its table is gone')")
        for name, query in MODELS.items():
            connection.execute(f"create table marts.{name} as {query}")
            connection.execute("insert into raw._builds (model, raw_version) values (?, 'some')", [name])
    return raw_folder


def traced(raw_folder: RawFolder, model: str, *, with_lines: bool = False, **said: Any) -> Trace:
    return traced_by(raw_folder, model, *said.items(), with_lines=with_lines)


def traced_by(raw_folder: RawFolder, model: str, *said: tuple[str, str], with_lines: bool = False) -> Trace:
    with raw_folder.warehouse.reading() as reader:
        return trace(raw_folder.catalog, reader, model, said, with_lines=with_lines)


def paths(found: Trace) -> set[str]:
    return {file.path for file in found.files}


def lines(found: Trace, source: str) -> list[tuple[str, int]]:
    return [(file.path, line.number) for file in found.files if file.source == source for line in file.lines]


def test_a_machines_day_comes_from_its_files_and_the_masters_that_were_valid(raw_folder: RawFolder) -> None:
    found = traced(raw_folder, "marts.mart_machine_daily", machine="VM001", day="2024-03-05", with_lines=True)
    assert paths(found) == {
        "sales_VM001_20240305.csv",
        "replenishment_records_VM001_20240305.csv",
        "vending_machines_20240304.csv",  # the one of the 6th came later
        "products_20240301.csv",
        "products_20240320.csv",  # the first that knows P9
    }
    assert lines(found, "sales") == [("sales_VM001_20240305.csv", line) for line in (2, 3, 4)]
    assert lines(found, "vending_machines") == [("vending_machines_20240304.csv", 2)]
    assert [row["units_sold"] for row in found.rows] == [3]


def test_a_file_is_named_with_all_that_proves_it(raw_folder: RawFolder) -> None:
    found = traced(raw_folder, "mart_machine_daily", machine_id="VM002", business_date="2024-03-05")
    (file,) = (file for file in found.files if file.source == "sales")
    ledger = raw_folder.ledger()["sales_VM002_20240305.csv"]
    assert (file.sha256, file.sender, file.business_date) == (ledger["sha256"], "VM002", date(2024, 3, 5))
    assert file.delivered_at == ledger["modified_at"].replace(microsecond=0)
    assert str(file.delivered_at).endswith("+09:00")
    assert (file.rows, file.rows_behind, file.lines) == (1, 1, ())
    told = json.loads(found.as_json())
    assert [f["path"] for f in told["files"] if f["source"] == "sales"] == ["sales_VM002_20240305.csv"]


def test_of_a_product_only_files_and_lines_with_it(raw_folder: RawFolder) -> None:
    found = traced(raw_folder, "mart_product_daily", product="P2", day="2024-03-05", with_lines=True)
    assert lines(found, "sales") == [("sales_VM001_20240305.csv", 3), ("sales_VM002_20240305.csv", 2)]
    assert paths(found) >= {"products_20240301.csv"}
    assert paths(found).isdisjoint({"products_20240320.csv", "replenishment_records_VM001_20240305.csv"})


def test_a_row_that_names_its_line_comes_from_that_line_alone(raw_folder: RawFolder) -> None:
    found = traced(raw_folder, "fct_sales", product="P9", with_lines=True)
    assert lines(found, "sales") == [("sales_VM001_20240305.csv", 4)]
    ((line,),) = (file.lines for file in found.files if file.source == "sales")
    assert (line.values["product_id"], line.values["unit_price"]) == ("P9", "130")
    assert lines(found, "products") == [("products_20240320.csv", 4)]


def test_of_what_is_built_from_everything_every_version_is_named(raw_folder: RawFolder) -> None:
    found = traced(raw_folder, "dim_machines", machine="VM002")
    assert paths(found) == {"vending_machines_20240304.csv", "vending_machines_20240306.csv"}


def test_what_became_of_a_delivery_leads_to_its_file(raw_folder: RawFolder) -> None:
    came = traced(raw_folder, "mart_delivery_gaps", machine="VM001", day="2024-03-05")
    masters = {path for path in FILES if path.startswith("vending_machines")}
    assert paths(came) == {"sales_VM001_20240305.csv"} | masters
    assert came.missing == []
    broken = traced(raw_folder, "mart_delivery_gaps", machine="VM002", day="2024-03-04")
    assert [file.path for file in broken.missing] == ["sales_VM002_20240304.csv"]
    assert "sales_VM002_20240304.csv" not in paths(broken)


def test_what_reaches_further_is_looked_for_there(raw_folder: RawFolder) -> None:
    models = [replace(model, ways=(), reach=MONTH) for model in raw_folder.catalog.models]
    monthly = replace(raw_folder, catalog=replace(raw_folder.catalog, models=tuple(models)))
    found = traced(monthly, "mart_machine_daily", machine="VM001", day="2024-03-04")
    march = {"sales_VM001_20240304.csv", "sales_VM001_20240305.csv", "replenishment_records_VM001_20240305.csv"}
    assert {path for path in paths(found) if "VM001" in path} == march
    masters = {f"vending_machines_2024030{day}.csv" for day in (1, 4, 6)}
    assert {path for path in paths(found) if "machines" in path} == masters


def test_what_is_in_quarantine_is_not_in_the_number(raw_folder: RawFolder) -> None:
    fleet = traced(raw_folder, "mart_product_daily", product="P1", day="2024-03-04")
    assert [file.path for file in fleet.missing] == ["sales_VM002_20240304.csv"]
    assert "cut off" in (fleet.missing[0].quarantined_because or "")
    assert traced(raw_folder, "mart_machine_daily", machine="VM001", day="2024-03-04").missing == []


def test_personal_data_stays_in_the_files(raw_folder: RawFolder) -> None:
    found = traced(raw_folder, "mart_machine_daily", machine="VM001", day="2024-03-05", with_lines=True)
    ((line,),) = (file.lines for file in found.files if file.source == "replenishment_records")
    assert (line.values["staff_id"], line.values["slot_no"]) == ("***", "01")
    assert "S1" not in found.as_json()


def test_lines_beyond_the_most_are_counted(raw_folder: RawFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = traced(raw_folder, "mart_machine_daily", machine="VM001", day="2024-03-05", with_lines=True)
    monkeypatch.setattr(resolve, "_MOST_LINES", 2)
    found = traced(raw_folder, "mart_machine_daily", machine="VM001", day="2024-03-05", with_lines=True)
    listed = sum(len(file.lines) for file in found.files)
    assert (listed, found.lines_left_out) == (2, sum(len(file.lines) for file in whole.files) - 2)


@pytest.mark.parametrize(
    ("model", "said", "problem"),
    [
        ("marts.mart_machine_dayly", {}, "did you mean marts.mart_machine_daily"),
        ("raw.mart_machine_daily", {}, "no model is called 'raw.mart_machine_daily'; did you mean marts.mart_mach"),
        ("mart_machine_daily", {}, "name a row by column=value"),
        ("mart_machine_daily", {"machin": "VM001"}, "has no column 'machin'; did you mean machine_id?"),
        ("dim_machines", {"day": "2024-03-05"}, "dim_machines has no column 'day'; there are: machine_id, removed_on"),
        ("mart_machine_daily", {"day": "5.3.2024"}, "business_date can't be '5.3.2024'; write it like 2024-03-15"),
        ("mart_machine_daily", {"is_known": "yes"}, "is_known can't be 'yes'; write it like true or false"),
        ("mart_machine_daily", {"units_sold": "nan"}, "units_sold can't be 'nan'; write it like 130 or 0.5"),
        ("fct_sales", {"sold_at": "noon"}, "sold_at can't be 'noon'; write it like '2024-03-15 10:30:00'"),
        ("mart_machine_daily", {"machine": "VM001\udcff"}, "the value of machine_id is not text in UTF-8"),
        ("mart_machine_daily", {"no\udcff": "1"}, "mart_machine_daily has no column 'no\\udcff'; there are: mach"),
        ("no\udcff", {"day": "2024-03-05"}, "no model is called 'no\\udcff'; there are: "),
        (
            "mart_machine_daily",
            {"units_sold": "1e99999999999999999999"},
            "units_sold can't be '1e99999999999999999999'",
        ),
        ("mart_machine_daily", {"machine": "VM001\0"}, "the value of machine_id is not text in UTF-8"),
    ],
)
def test_a_wrong_question_is_answered_with_what_there_is(
    raw_folder: RawFolder, model: str, said: dict[str, Any], problem: str
) -> None:
    with pytest.raises(WrongQuestion) as refused:
        traced(raw_folder, model, **said)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("model", "said", "problem"),
    [
        ("mart_product_daily", {"product": "P3"}, "no row with product_id 'P3'; did you mean"),
        (
            "mart_machine_daily",
            {"day": "2024-03-09"},
            "business_date '2024-03-09'; it goes from 2024-02-28 to 2024-03-05",
        ),
        ("mart_machine_daily", {"machine": "VM002", "day": "2024-02-28"}, "none with machine_id 'VM002' and business_"),
        ("mart_machine_daily", {"comment": "x"}, "there are none"),
        ("fct_replenishments", {"machine": "VM001"}, "marts.fct_replenishments is not built here"),
        ("mart_waste", {"machine": "VM001"}, "marts.mart_waste is not built here; build it with: vending run"),
        ("mart_machine_daily", {"units_sold": "1e400"}, "no row with units_sold '1e400'; it goes from 1 to 3"),
        ("mart_machine_daily", {"units_sold": "9" * 500}, f"no row with units_sold '{'9' * 60}…'; it goes from 1 to 3"),
        ("mart_machine_daily", {"units_sold": "1.5"}, "no row with units_sold '1.5'; it goes from 1 to 3"),
        ("mart_machine_daily", {"rate": "0.50001"}, "no row with rate '0.50001'; it goes from 0.5000 to 0.5000"),
        ("mart_machine_daily", {"rate": "-1e30"}, "no row with rate '-1e30'; it goes from 0.5000 to 0.5000"),
    ],
)
def test_why_there_is_no_such_row(raw_folder: RawFolder, model: str, said: dict[str, Any], problem: str) -> None:
    with pytest.raises(NothingToTrace) as refused:
        traced(raw_folder, model, **said)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    "said",
    [
        [("machine", "VM001"), ("machine", "VM002")],
        [("machine", "VM001"), ("machine_id", "VM002")],
    ],
)
def test_conditions_that_contradict_each_other_are_refused(raw_folder: RawFolder, said: list[tuple[str, str]]) -> None:
    with pytest.raises(WrongQuestion, match=r"machine_id can't be 'VM001' and 'VM002' at once; give it one value"):
        traced_by(raw_folder, "mart_machine_daily", *said)
    assert len(traced_by(raw_folder, "mart_machine_daily", ("machine", "VM002"), ("machine_id", "VM002")).rows) == 1


def test_nobody_is_named_by_a_row_a_suggestion_or_a_refusal(raw_folder: RawFolder) -> None:
    found = traced(raw_folder, "stg_vending__staff", staff_id="S1")
    assert found.rows == [{"staff_id": "***", "staff_name": "***"}]
    assert "山田" not in found.as_json()
    with pytest.raises(NothingToTrace) as refused:
        traced(raw_folder, "stg_vending__staff", staff_name="山田 次郎")
    assert str(refused.value) == (
        "stg_vending__staff has no row with staff_name '***'; its values are personal and not shown (***)"
    )
    with pytest.raises(NothingToTrace, match=r"none with staff_id '\*\*\*' and staff_name '\*\*\*' together"):
        traced(raw_folder, "stg_vending__staff", staff_id="S1", staff_name="髙﨑 恵")
    with pytest.raises(WrongQuestion, match=r"staff_id can't be '\*\*\*' and '\*\*\*' at once"):
        traced_by(raw_folder, "stg_vending__staff", ("staff_id", "S1"), ("staff_id", "S2"))


def test_values_are_compared_as_what_they_are(raw_folder: RawFolder) -> None:
    one: dict[str, Any] = {
        "machine": "VM002",
        "day": "2024-03-05",
        "units_sold": "1",
        "rate": "0.50",
        "is_known": "TRUE",
        "comment": "",
    }
    assert len(traced(raw_folder, "mart_machine_daily", **one).rows) == 1
    assert len(traced(raw_folder, "fct_sales", machine="VM002", sold_at="2024-03-05T08:00:00").rows) == 1
