"""A small shop for tests: a project of a few models, with a data folder beside it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from vending_platform.catalog import Catalog, load_catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.exporting import Exported, current_parts, export_all
from vending_platform.lineage.provenance import Trace, trace
from vending_platform.transformation import BuildPlan, Project, Transformed, code_changes, stale, transform
from vending_platform.warehouse.duckdb import dbt_connection
from vending_platform_tests.ingestion.raw_folder import RawFolder

DAYS = [date(2024, 3, day) for day in (4, 5, 6)]
PROJECT = {
    "dbt_project.yml": """
name: shop
profile: shop
vars: {shop: {factor: 2}}
models: {shop: {+on_schema_change: append_new_columns, +contract: {enforced: true}, +schema: marts}}
""",
    "profiles.yml": """
shop: {target: here, outputs: {here: {type: duckdb, path: "{{ env_var('DBT_DUCKDB_PATH', ':memory:') }}"}}}
""",
    "models/shop.yml": """
sources:
  - name: shop
    schema: raw
    tables:
      - name: sold
        config: {meta: {files: {names: ["sold_{yyyymmdd}.csv"], delivery: daily, first_day: 2024-01-01, key: [id]}}}
        columns:
          - {name: id, data_type: integer, config: {meta: {required: true}}}
          - {name: yen, data_type: integer}
models:
  - name: facts
    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}
    columns:
      - {name: id, data_type: bigint}
      - {name: business_date, data_type: date}
      - {name: amount, data_type: bigint}
  - name: apart
    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}
    columns: [{name: business_date, data_type: date}, {name: n, data_type: bigint}]
""",
    "models/facts.sql": """
select cast(id as bigint) as id, _business_date as business_date, {{ times('yen') }} as amount
from {{ source('shop', 'sold') }} where {{ in_window('_business_date') }}
""",
    "models/apart.sql": """
select _business_date as business_date, count(*) as n
from {{ source('shop', 'sold') }} where {{ in_window('_business_date') }} group by 1
""",
    "macros/times.sql": "{% macro times(x) %}cast({{ x }} * {{ var('factor') }} as bigint){% endmacro %}",
}
COPIED = ("window.sql", "incremental.sql", "data_tests.sql", "generate_schema_name.sql")


@dataclass
class Shop:
    """A small project with a data folder beside it."""

    folder: Path
    plans: list[BuildPlan] = field(default_factory=list)

    @property
    def project_dir(self) -> Path:
        return self.folder / "dbt_project"

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.project_dir, self.folder / "cache")

    @property
    def raw_folder(self) -> RawFolder:
        return RawFolder(self.folder / "data", self.catalog)

    def edit(self, name: str, how: Callable[[str], str]) -> None:
        path = self.project_dir / name
        path.write_text(how(path.read_text()))

    def deliver(self, *days: date, yen: int = 5) -> None:
        self.raw_folder.deliver({f"sold_{day:%Y%m%d}.csv": f"id,yen\n{day:%d},{yen}\n".encode() for day in days})
        self.raw_folder.ingest()

    def transform(self, **options: Any) -> Transformed:
        connection = dbt_connection(self.folder / "data" / "dbt_dev.duckdb")
        project = Project(self.project_dir, self.folder / "dbt", "here", 1, connection)
        done = transform(
            self.catalog, self.raw_folder.warehouse, project, run_id="test", on_plan=self.plans.append, **options
        )
        assert [f"{node.name}: {node.message}" for node in done.failed] == []
        return done

    def export(self) -> list[Exported]:
        return export_all(
            self.catalog, self.raw_folder.warehouse, self.raw_folder.context.storage.processed, run_id="test"
        )

    def exported(self) -> dict[str | None, int]:
        """Per day the rows that readers see."""
        return {
            part.day: part.rows for _, part in current_parts(self.catalog, self.raw_folder.context.storage.processed)
        }

    def traced(self, model: str, **row: str) -> Trace:
        with self.raw_folder.warehouse.reading() as reader:
            return trace(self.catalog, reader, model, list(row.items()))

    def stale(self) -> dict[date, frozenset[str]]:
        with self.raw_folder.warehouse.reading() as reader:
            return stale(reader, self.catalog)

    def amounts(self) -> list[Any]:
        return [row["amount"] for row in self.raw_folder.rows("select amount from marts.facts order by business_date")]

    def reminders(self) -> list[str]:
        with self.raw_folder.warehouse.reading() as reader:
            assert stale(reader, self.catalog) == {}, "that is about deliveries"
            return [str(work) for work in code_changes(reader, self.catalog)]


def make_shop(folder: Path, more: Mapping[str, str] | None = None) -> Shop:
    """With these files of the project in the place of those that are called so, or beside them."""
    shop = Shop(folder)
    for name, text in {**PROJECT, **(more or {})}.items():
        (shop.project_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (shop.project_dir / name).write_text(text)
    for name in COPIED:
        shutil.copy(DBT_PROJECT_DIR / "macros" / name, shop.project_dir / "macros" / name)
    (shop.folder / "data" / "sources").mkdir(parents=True)
    return shop
