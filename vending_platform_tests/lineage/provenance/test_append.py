"""Of a source that only grows a trace names lines by their key, and by their day where they have one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from vending_platform.catalog import SAME_DAY, Catalog, Model, Provenance, Source
from vending_platform.ledger import OF_BUILDS, prepare_ledger
from vending_platform.lineage.provenance import Trace, trace
from vending_platform_tests.ingestion.raw_folder import RawFolder

HEADER = b"order_id,ordered_on,customer,amount\n"
FILES = {
    "orders_a.csv": HEADER + b"O1,2024-03-01,C1,100\nO2,2024-03-02,C2,200\n",
    "orders_b.csv": HEADER + b"O3,2024-03-02,C1,300\nO4,2024-03-03,C1,400\n",
}


def orders(**files: Any) -> Source:
    columns = [{"name": "order_id", "type": "text"}, {"name": "ordered_on", "type": "date"}]
    columns += [{"name": "customer", "type": "text"}, {"name": "amount", "type": "integer"}]
    return Source.model_validate(
        {
            "name": "orders",
            "schema_name": "raw",
            "unique_id": "source.orders",
            "declared_in": "here",
            "files": {"names": ["orders_{any}.csv"], "delivery": "append", "key": ["order_id"], **files},
            "columns": [column | {"required": True} for column in columns],
        }
    )


def model(name: str, reads: str, columns: tuple[str, ...], **other: Any) -> Model:
    said: dict[str, Any] = {"materialized": "table", "reach": SAME_DAY, "sources": frozenset({"orders"})} | other
    return Model(name, "marts", f"model.{name}", inputs=(reads,), columns=columns, **said)


STAGED = model("stg_orders", "source.orders", ("order_id", "business_date"), materialized="view")
DAILY = model(
    "mart_orders", STAGED.unique_id, ("business_date", "amount"), materialized="incremental", provenance=Provenance()
)
TABLES = {
    "stg_orders": "select order_id, ordered_on as business_date, amount from raw.orders",
    "mart_orders": "select ordered_on as business_date, sum(amount) as amount from raw.orders group by all",
}


def built(folder: Path, catalog: Catalog, source: Source) -> RawFolder:
    raw_folder = RawFolder(
        folder, replace(catalog, sources=(*catalog.sources, source), models=(STAGED, DAILY), exports=())
    )
    raw_folder.sources.mkdir()
    raw_folder.deliver(FILES)
    raw_folder.ingest()
    with raw_folder.warehouse.writing("test", print) as writer:
        prepare_ledger(writer, OF_BUILDS)
    with duckdb.connect(raw_folder.folder / "dbt_dev.duckdb") as connection:
        connection.execute("create schema marts")
        for name, query in TABLES.items():
            connection.execute(f"create view marts.{name} as {query}")
            connection.execute("insert into raw._builds (model, raw_version) values (?, 'some')", [name])
    return raw_folder


def lines(raw_folder: RawFolder, name: str, *said: tuple[str, str]) -> list[tuple[str, int]]:
    with raw_folder.warehouse.reading() as reader:
        found: Trace = trace(raw_folder.catalog, reader, name, said, with_lines=True)
    return [(file.path, line.number) for file in found.files for line in file.lines]


@pytest.mark.parametrize("day_column", [None, "ordered_on"])
def test_a_row_with_the_key_comes_from_its_line(tmp_path: Path, catalog: Catalog, day_column: str | None) -> None:
    raw_folder = built(tmp_path, catalog, orders(day_column=day_column))
    assert lines(raw_folder, "stg_orders", ("order_id", "O3")) == [("orders_b.csv", 2)]


def test_a_row_of_a_day_comes_from_the_lines_of_that_day(tmp_path: Path, catalog: Catalog) -> None:
    raw_folder = built(tmp_path, catalog, orders(day_column="ordered_on"))
    assert lines(raw_folder, "mart_orders", ("day", "2024-03-02")) == [("orders_a.csv", 3), ("orders_b.csv", 2)]


def test_without_a_day_every_line_is_named(tmp_path: Path, catalog: Catalog) -> None:
    raw_folder = built(tmp_path, catalog, orders())
    assert len(lines(raw_folder, "mart_orders", ("day", "2024-03-02"))) == 4
