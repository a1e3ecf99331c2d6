"""A small platform for tests: a raw folder with dbt and exports above it, and a small fleet that delivers to it."""

import os
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.exporting import Exported, Part, current_parts, export_all
from vending_platform.recording import Recorder
from vending_platform.transformation import Project, Transformed, stale, transform
from vending_platform.warehouse import Warehouse
from vending_platform.warehouse.snowflake import dbt_connection
from vending_platform_tests.core import Core
from vending_platform_tests.emulators.keys import private_key
from vending_platform_tests.ingestion.raw_folder import RawFolder, machines_file, sales, sales_row
from vending_platform_tests.parsed import development
from vending_platform_tests.shared import made_once

PRODUCTS_HEADER = (
    "product_id,jan_code,product_name,category_id,unit_cost,list_price,temperature,shelf_life_days,sold_from,sold_to"
)
DAYS = [f"2024-03-0{day}" for day in range(1, 7)]


def products(**costs: int) -> bytes:
    rows = [f"{product},,Tea {product},C1,{cost},130,cold,90,2024-01-01," for product, cost in costs.items()]
    return ("\n".join([PRODUCTS_HEADER, *rows]) + "\n").encode()


def day_of_sales(day: str, *numbers: int, **changes: object) -> bytes:
    values: dict[str, Any] = {"product_id": "P1"} | changes
    return sales(*(sales_row(n, day=day, **values) for n in numbers or (1, 2, 3)))


def day_of(part: Part) -> str | None:
    """With the value that its rows share, where the export is split."""
    return part.day if part.split is None else f"{part.day} {part.split}"


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


def checked_days(warehouse: Warehouse) -> set[tuple[object, ...]]:
    """Which checks the history has of which days."""
    with warehouse.reading() as reader:
        rows = reader.query("select dataset, check_name, column_name, first_day, last_day from dq.results_check")
    return {
        (*names, first and first + timedelta(number))
        for *names, first, last in map(dict.values, rows.to_pylist())
        for number in range((last - first).days + 1 if first else 1)
    }


def built_once(run_folder: Path, core: Core) -> Path:
    """The folder of six days of one machine, built and exported once for all workers; no one may change it."""

    def build(folder: Path) -> None:
        (folder / "sources").mkdir()
        core.hand_over()
        small_platform = SmallPlatform(RawFolder(folder, core.catalog), core)
        small_platform.run(FILES)
        small_platform.export()

    return made_once(run_folder / "built", build)


@dataclass
class SmallPlatform:
    """A raw folder, with dbt and exports above it."""

    raw_folder: RawFolder
    core: Core | None = None
    """The small project, in the place of the whole one."""

    @property
    def project(self) -> Project:
        if (account := self.raw_folder.account) is not None:
            tag = {"run_id": "test"}
            connection = dbt_connection(account.settings, private_key, tag, endpoint=account.endpoint)
            project_dir = DBT_PROJECT_DIR if self.core is None else self.core.project_dir
            return Project(project_dir, self.raw_folder.folder / "dbt", "staging", 4, connection)
        if self.core is not None:
            return self.core.project(self.raw_folder.folder)
        return development(self.raw_folder.folder)

    def run(self, files: dict[str, bytes] | None = None, **options: Any) -> Transformed:
        self.raw_folder.deliver(files or {})
        self.raw_folder.ingest()
        return self.transform(**options)

    def transform(self, **options: Any) -> Transformed:
        done = transform(
            self.raw_folder.catalog, self.raw_folder.context.warehouse, self.project, run_id="test", **options
        )
        failed = [f"{node.name}: {node.message}" for node in done.failed]
        assert not failed, failed
        return done

    def export(self) -> list[Exported]:
        return export_all(
            self.raw_folder.catalog,
            self.raw_folder.context.warehouse,
            self.raw_folder.context.storage.processed,
            run_id="test",
        )

    def exports(self) -> dict[tuple[str, str | None], tuple[int, str]]:
        """What is visible: per export and day, the rows and the hash of the bytes."""
        parts = current_parts(self.raw_folder.catalog, self.raw_folder.context.storage.processed)
        return {(name, day_of(part)): (part.rows, part.sha256) for name, part in parts}

    def marts(self) -> dict[str, list[str]]:
        """Every row of every mart, but for the times of deliveries."""
        marts = [
            model.name
            for model in self.raw_folder.catalog.models
            if model.schema_name == "marts" and not model.is_view and model.reach.deliveries_of is None
        ]
        with self.raw_folder.context.warehouse.reading() as reader:
            return {mart: sorted(map(repr, reader.query(f"select * from marts.{mart}").to_pylist())) for mart in marts}

    def checked_days(self) -> set[tuple[object, ...]]:
        """Which checks ran for which days, once the history of quality is complete."""
        assert self.core is not None
        recorder = Recorder("test", "test", "development", None, self.raw_folder.catalog, self.core.manifest)
        assert recorder.keep(self.raw_folder.context.warehouse, (), print) is None
        return checked_days(self.raw_folder.context.warehouse)

    def stale(self) -> list[date]:
        with self.raw_folder.context.warehouse.reading() as reader:
            return sorted(stale(reader, self.raw_folder.catalog))

    def from_nothing(self) -> dict[str, list[str]]:
        """What the marts hold if everything is built again, on another platform, from the same raw rows."""
        folder = self.raw_folder.folder.parent / "rebuilt"
        shutil.copytree(self.raw_folder.folder, folder)
        rebuilt = SmallPlatform(replace(self.raw_folder, folder=folder), self.core)
        with rebuilt.raw_folder.context.warehouse.writing("test", print) as writer:
            for row in writer.query(
                "select table_schema, table_name, table_type from information_schema.tables"
            ).to_pylist():
                if row["table_schema"] in ("staging", "intermediate", "marts"):
                    kind = "view" if row["table_type"] == "VIEW" else "table"
                    writer.query(f"drop {kind} if exists {row['table_schema']}.{row['table_name']} cascade")
            writer.query("drop table raw._builds")
        with mock.patch.dict(os.environ, DBT_EXCLUDE_RESOURCE_TYPES="test unit_test"):  # they have had their turn
            rebuilt.transform()
        marts = rebuilt.marts()
        shutil.rmtree(folder)
        return marts
