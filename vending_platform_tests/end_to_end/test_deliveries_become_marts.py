"""From files to marts and exports: exactly what a change reaches is built again, and equals building from nothing."""

import json
import os
import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from vending_platform.catalog import Catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.exporting import Exported, current_parts, export_all
from vending_platform.transformation import Project, Transformed, Window, stale, transform
from vending_platform.transformation.arguments import build_arguments
from vending_platform_tests.ingestion.yard import MACHINES_HEADER, Yard, machines_file, sales, sales_row

MARTS = (
    "fct_sales",
    "fct_replenishments",
    "dim_machines",
    "dim_products",
    "dim_payment_methods",
    "dim_staff",
    "mart_machine_daily",
    "mart_product_daily",
)
PRODUCTS_HEADER = (
    "product_id,jan_code,product_name,category_id,unit_cost,list_price,temperature,shelf_life_days,sold_from,sold_to"
)
DAYS = [f"2024-03-0{day}" for day in range(1, 7)]


def products(**costs: int) -> bytes:
    rows = [f"{product},,Tea {product},C1,{cost},130,cold,90,2024-01-01," for product, cost in costs.items()]
    return ("\n".join([PRODUCTS_HEADER, *rows]) + "\n").encode()


def day_of_sales(day: str, *numbers: int, **changes: object) -> bytes:
    said: dict[str, Any] = {"product_id": "P1"} | changes
    return sales(*(sales_row(n, day=day, **said) for n in numbers or (1, 2, 3)))


def name(day: str, machine: str = "VM001") -> str:
    return f"sales_{machine}_{day.replace('-', '')}.csv"


FILES = {
    "vending_machines_20240301.csv": machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-01-01", "")),
    "products_20240301.csv": products(P1=50, P2=60),
    "payment_methods_20240301.csv": b"payment_method_id,payment_method_name,payment_type,fee_rate\nPM1,Cash,cash,0\n",
    "product_categories_20240301.csv": b"category_id,category_name,parent_id\nC1,Tea,\n",
    "staff_20240301.csv": "staff_id,staff_name,branch,route_id\nS1,山田,東京,R1\n".encode(),
    **{name(day): day_of_sales(day) for day in DAYS},
}


@dataclass
class House:
    """A yard, with dbt and exports above it."""

    yard: Yard

    @property
    def project(self) -> Project:
        database = {"DBT_DUCKDB_PATH": str(self.yard.folder / "dev.duckdb")}
        return Project(DBT_PROJECT_DIR, self.yard.folder / "dbt", "development", 2, database)

    def run(self, files: dict[str, bytes] | None = None, **options: Any) -> Transformed:
        self.yard.deliver(files or {})
        self.yard.ingest()
        return self.transform(**options)

    def transform(self, **options: Any) -> Transformed:
        done = transform(self.yard.catalog, self.yard.rooms.warehouse, self.project, run_id="test", **options)
        assert [f"{node.name}: {node.message}" for node in done.failed] == []
        return done

    def export(self) -> list[Exported]:
        return export_all(
            self.yard.catalog, self.yard.rooms.warehouse, self.yard.rooms.storage.processed, run_id="test"
        )

    def marts(self) -> dict[str, list[str]]:
        with self.yard.rooms.warehouse.reading() as reader:
            return {mart: sorted(map(repr, reader.query(f"select * from marts.{mart}").to_pylist())) for mart in MARTS}

    def stale(self) -> list[date]:
        with self.yard.rooms.warehouse.reading() as reader:
            return sorted(stale(reader, self.yard.catalog, self.project))

    def from_nothing(self) -> dict[str, list[str]]:
        """What the marts hold if everything is built anew, in another house, from the same raw rows."""
        folder = self.yard.folder.parent / "anew"
        shutil.copytree(self.yard.folder, folder)
        anew = House(replace(self.yard, folder=folder))
        with anew.yard.rooms.warehouse.writing("test", print) as writer:
            for row in writer.query(
                "select table_schema, table_name, table_type from information_schema.tables"
            ).to_pylist():
                if row["table_schema"] in ("staging", "intermediate", "marts"):
                    kind = "view" if row["table_type"] == "VIEW" else "table"
                    writer.query(f"drop {kind} if exists {row['table_schema']}.{row['table_name']} cascade")
        os.environ.update(anew.project.variables)
        words = build_arguments(
            Window(anew.yard.catalog.models),
            project_dir=DBT_PROJECT_DIR,
            target_dir=anew.project.target_dir,
            target="development",
            threads=2,
        )
        assert dbtRunner().invoke(["run", *words[1:]]).success, "the models alone: their checks have had their turn"
        marts = anew.marts()
        shutil.rmtree(folder)
        return marts


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> House:
    """Six days of one machine, built once for all tests of this module."""
    folder = tmp_path_factory.mktemp("built") / "house"
    (folder / "sources").mkdir(parents=True)
    house = House(Yard(folder, catalog))
    house.run(FILES)
    house.export()
    return house


@pytest.fixture
def house(built: House, tmp_path: Path) -> House:
    """A copy of that house, to change as one likes."""
    folder = tmp_path / "house"
    shutil.copytree(built.yard.folder, folder, copy_function=shutil.copy2)
    house = House(replace(built.yard, folder=folder))
    house.yard.ingest()  # copying has given the files another identity for the store, but not another content
    assert house.stale() == []
    return house


def spans(done: Transformed) -> list[tuple[str, str]]:
    return [(str(window.first_day), str(window.last_day)) for window, _ in done.windows]


def test_nothing_new_builds_nothing(house: House) -> None:
    assert house.run().windows == []
    assert house.export() == [Exported(export.name, [], [], []) for export in house.yard.catalog.exports]


def test_a_corrected_old_day_is_built_again_and_nothing_else(house: House) -> None:
    before = house.marts()
    done = house.run({name(DAYS[2]): day_of_sales(DAYS[2], 1, 2, unit_price=999)})
    assert spans(done) == [(DAYS[2], DAYS[2])]
    after = house.marts()
    assert after == house.from_nothing()
    other_day = [row for row in before["fct_sales"] if "2024, 3, 3" not in row]
    assert [row for row in after["fct_sales"] if "2024, 3, 3" not in row] == other_day
    assert {(part.day, part.rows) for export in house.export() for part in export.written} == {
        (DAYS[2], 2),
        (DAYS[2], 1),
    }


def test_a_day_withdrawn_until_it_is_empty_is_empty_in_every_mart(house: House) -> None:
    house.yard.remove(name(DAYS[3]))
    house.yard.ingest()
    house.yard.ingest(withdraw=True)
    assert house.stale() == [date(2024, 3, 4)]
    assert spans(house.transform()) == [(DAYS[3], DAYS[3])]
    assert not any("2024, 3, 4" in row for row in house.marts()["mart_machine_daily"])
    assert house.marts() == house.from_nothing()
    assert {export.name for export in house.export() if export.removed} == {
        "sales_by_day",
        "machine_daily",
        "product_daily",
    }
    parts = current_parts(house.yard.catalog, house.yard.rooms.storage.processed)
    assert DAYS[3] not in {part.day for _, part in parts}


def test_a_dated_master_reaches_the_days_from_its_own_on(house: House) -> None:
    done = house.run({"products_20240304.csv": products(P1=80, P2=60)})
    assert spans(done) == [(DAYS[3], DAYS[5])]
    assert house.marts() == house.from_nothing()


def test_a_late_master_reaches_the_earlier_days_that_mention_its_keys(house: House) -> None:
    day = DAYS[1]
    house.run({name(day): day_of_sales(day, 1, 2, product_id="P9")})
    assert any("'is_known_product': False" in row for row in house.marts()["fct_sales"])
    done = house.run({"products_20240305.csv": products(P1=50, P2=60, P9=70)})
    assert spans(done) == [(day, day), (DAYS[4], DAYS[5])]
    assert not any("'is_known_product': False" in row for row in house.marts()["fct_sales"])
    assert house.marts() == house.from_nothing()


def test_a_key_that_was_delivered_for_two_days_is_decided_for_both(house: House) -> None:
    """The later moment wins; when that delivery is corrected away, the other day has its row back."""
    twice = sales_row(1, day=DAYS[0], product_id="P1").split(",")[0]
    done = house.run({name(DAYS[4]): day_of_sales(DAYS[4], 1, transaction_id=twice)})
    assert spans(done) == [(DAYS[0], DAYS[0]), (DAYS[4], DAYS[4])]
    assert sum(twice in row for row in house.marts()["fct_sales"]) == 1
    done = house.run({name(DAYS[4]): day_of_sales(DAYS[4], 1)})
    assert spans(done) == [(DAYS[0], DAYS[0]), (DAYS[4], DAYS[4])]
    assert house.marts() == house.from_nothing()


def test_a_new_machine_file_for_an_unknown_machine_is_not_lost(house: House) -> None:
    house.run({name(DAYS[1], "VM777"): sales(sales_row(1, "VM777", DAYS[1], product_id="P1"))})
    (row,) = [row for row in house.marts()["fct_sales"] if "VM777" in row]
    assert "'is_known_machine': False" in row
    assert MACHINES_HEADER.startswith("machine_id")


def test_a_day_that_is_mostly_in_quarantine_waits_and_the_others_go_on(house: House) -> None:
    before = house.marts()
    house.yard.deliver({name(DAYS[1]): b"cut off", name(DAYS[2]): day_of_sales(DAYS[2], 1)})
    house.yard.ingest()
    done = house.transform()
    assert [(block.source, str(block.business_date)) for block in done.blocked] == [("sales", DAYS[1])]
    assert spans(done) == [(DAYS[2], DAYS[2])]
    waiting = date.fromisoformat(DAYS[1])
    kept = [row for row in before["fct_sales"] if "2024, 3, 2" in row]
    assert [row for row in house.marts()["fct_sales"] if "2024, 3, 2" in row] == kept != []
    assert house.stale() == [waiting]
    assert spans(house.transform(first_day=waiting, last_day=waiting, anew=True, models=["fct_sales"])) == []
    healed = house.run({name(DAYS[1]): day_of_sales(DAYS[1], 1, 2)})
    assert (healed.blocked, spans(healed)) == ([], [(DAYS[1], DAYS[1])])
    assert healed.rows["fct_sales", waiting] == 2


def test_an_export_says_what_it_holds_and_rests_on(house: House) -> None:
    processed = house.yard.folder / "processed"
    said = json.loads((processed / "sales_by_day" / "manifest.json").read_text())
    part = said["parts"][0]
    assert (part["day"], part["rows"]) == (DAYS[0], 3)
    assert (processed / part["path"]).stat().st_size == part["bytes"]
    paths = {raw["path"] for raw in part["raw_files"]}
    assert name(DAYS[0]) in paths
    assert name(DAYS[1]) not in paths
    assert "products_20240301.csv" in paths


def test_the_export_before_stays_readable_until_the_one_after(house: House) -> None:
    processed = house.yard.folder / "processed" / "machine_daily"
    old = {path.name for path in processed.iterdir()}
    house.run({name(DAYS[2]): day_of_sales(DAYS[2], 1)})
    house.export()
    assert old <= {path.name for path in processed.iterdir()}
    house.run({name(DAYS[5]): day_of_sales(DAYS[5], 1)})
    house.export()
    left = {path.name for path in processed.iterdir()}
    assert len(left) == len(DAYS) + 2, "the days, the manifest, and the one file that was superseded last"
