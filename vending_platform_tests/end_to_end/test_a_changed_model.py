"""An edited model: what older code has built is built again, or postponed, and then nobody calls it up to date."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vending_platform.catalog import Catalog, load_catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.transformation import Plan, Project, Transformed, Why, code_changes, stale, transform
from vending_platform_tests.ingestion.yard import Yard

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
COPIED = ("window.sql", "columns.sql", "generate_schema_name.sql")


@dataclass
class Shop:
    """A small project with a data folder beside it."""

    folder: Path
    plans: list[Plan] = field(default_factory=list)

    @property
    def project_dir(self) -> Path:
        return self.folder / "dbt_project"

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.project_dir, self.folder / "cache")

    @property
    def yard(self) -> Yard:
        return Yard(self.folder / "data", self.catalog)

    def edit(self, name: str, how: Callable[[str], str]) -> None:
        path = self.project_dir / name
        path.write_text(how(path.read_text()))

    def deliver(self, *days: date, yen: int = 5) -> None:
        self.yard.deliver({f"sold_{day:%Y%m%d}.csv": f"id,yen\n{day:%d},{yen}\n".encode() for day in days})
        self.yard.ingest()

    def transform(self, **options: Any) -> Transformed:
        database = {"DBT_DUCKDB_PATH": str(self.folder / "data" / "dbt_dev.duckdb")}
        project = Project(self.project_dir, self.folder / "dbt", "here", 1, "dbt_dev", database)
        done = transform(
            self.catalog, self.yard.warehouse, project, run_id="test", on_plan=self.plans.append, **options
        )
        assert [f"{node.name}: {node.message}" for node in done.failed] == []
        return done

    def amounts(self) -> list[Any]:
        return [row["amount"] for row in self.yard.rows("select amount from marts.facts order by business_date")]

    def reminders(self) -> list[str]:
        with self.yard.warehouse.reading() as reader:
            assert stale(reader, self.catalog) == {}, "that is about deliveries"
            return [str(work) for work in code_changes(reader, self.catalog)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    for name, text in PROJECT.items():
        (shop.project_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (shop.project_dir / name).write_text(text)
    for name in COPIED:
        shutil.copy(DBT_PROJECT_DIR / "macros" / name, shop.project_dir / "macros" / name)
    (shop.folder / "data" / "sources").mkdir(parents=True)
    shop.deliver(*DAYS[:2])
    shop.transform()
    return shop


def test_a_changed_model_is_built_again_once_somebody_wants_it(shop: Shop) -> None:
    assert [work.why for work in shop.plans[-1].todo] == [Why.NEW]
    shop.edit("models/facts.sql", lambda text: f"-- what was sold\n{text.replace(',', ' , ')}")
    assert shop.transform().windows == []
    assert shop.reminders() == []

    shop.edit("macros/times.sql", lambda text: text.replace("as bigint", "/ 4 as decimal(12, 2)"))
    shop.edit(
        "models/shop.yml", lambda text: text.replace("amount, data_type: bigint", 'amount, data_type: "decimal(12, 2)"')
    )
    shop.edit("dbt_project.yml", lambda text: text.replace("factor: 2", "factor: 3"))
    why = "changed code (declaration of facts, macro times, var factor): facts, "
    waiting = [f"{why}2 days (2024-03-04 to 2024-03-05), about 2 rows"]
    assert shop.reminders() == waiting
    shop.deliver(DAYS[2])
    postponing = shop.transform(skip_code_changes=True)
    assert [dict(window.built) for window, _ in postponing.windows] == [{"facts": [DAYS[2]], "apart": [DAYS[2]]}]
    assert list(map(str, postponing.plan.postponed)) == shop.reminders() == waiting
    assert list(map(float, shop.amounts())) == [10, 10, 3.75], "the new day as it is written now, and in its new type"

    done = shop.transform()
    assert list(map(str, shop.plans[-1].todo)) == waiting, "it was said before it began"
    assert [dict(window.built) for window, _ in done.windows] == [{"facts": DAYS[:2]}]
    assert list(map(float, shop.amounts())) == [3.75] * 3
    assert shop.reminders() == []
    assert shop.transform().windows == []
