"""With a key one row per key is what models read, whatever the files hold and whenever they came; totals by hand."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from vending_platform.catalog import Catalog, load_catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.transformation import Project, transform
from vending_platform.warehouse.duckdb import dbt_connection
from vending_platform_tests.ingestion.raw_folder import RawFolder

PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodels: {shop: {+schema: marts, +materialized: table}}\n",
    "profiles.yml": """
shop: {target: here, outputs: {here: {type: duckdb, path: "{{ env_var('DBT_DUCKDB_PATH', ':memory:') }}"}}}
""",
    "models/shop.yml": """
sources:
  - name: shop
    schema: raw
    tables:
      - name: paid
        config: {meta: {files: {names: "paid_{any}.csv", delivery: append, key: "no", day_column: at, KEEP}}}
        columns:
          - {name: "no", data_type: text, config: {meta: {required: true}}}
          - {name: at, data_type: timestamp, config: {meta: {required: true}}}
          - {name: yen, data_type: integer}
      - name: sold
        config: {meta: {files: {names: "sold_{any}_{yyyymmdd}.csv", delivery: daily, first_day: 2024-01-01, key: "no"}}}
        columns:
          - {name: "no", data_type: text, config: {meta: {required: true}}}
          - {name: yen, data_type: integer}
models:
  - name: lines
    config: {materialized: view}
  - name: facts
    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}
""",
    "models/lines.sql": "select * from {{ source('shop', 'paid') }}",
    "models/total.sql": "select count(*) as n, sum(lines.yen) as yen from {{ ref('lines') }} as lines",
    "models/direct.sql": "select sum(paid.yen) as yen from {{ source('shop', 'paid') }} as paid",
    "models/facts.sql": """
select _business_date as business_date, count(*) as n, cast(sum(yen) as bigint) as yen
from {{ source('shop', 'sold') }} where {{ in_window('_business_date') }} group by 1
""",
}
COPIED = ("window.sql", "incremental.sql", "data_tests.sql", "generate_schema_name.sql", "source.sql")
MARCH = "no,at,yen\na,2024-03-05 10:00:00,100\nb,2024-03-05 11:00:00,20\n"


@dataclass
class Shop:
    """A small project with a data folder beside it."""

    folder: Path
    catalog: Catalog

    @property
    def raw_folder(self) -> RawFolder:
        return RawFolder(self.folder / "data", self.catalog)

    def run(self, files: dict[str, str] | None = None, **options: Any) -> None:
        self.raw_folder.deliver({name: text.encode() for name, text in (files or {}).items()})
        self.raw_folder.ingest(**options)
        self.transform()

    def transform(self) -> None:
        connection = dbt_connection(self.folder / "data" / "dbt_dev.duckdb")
        project = Project(self.folder / "dbt_project", self.folder / "dbt", "here", 1, connection)
        done = transform(self.catalog, self.raw_folder.warehouse, project, run_id="test")
        assert [f"{node.name}: {node.message}" for node in done.failed] == []

    def total(self) -> tuple[int, int]:
        """The rows and the yen of what was paid, in every model that reads it."""
        (row,) = self.raw_folder.rows("select n, yen, (select yen from marts.direct) as direct from marts.total")
        assert row["yen"] == row["direct"]
        assert self.raw_folder.rows("select sum(yen) as yen from marts.lines") == [{"yen": row["yen"]}]
        return row["n"], int(row["yen"] or 0)

    def facts(self) -> dict[str, tuple[int, int]]:
        rows = self.raw_folder.rows("select business_date as day, n, yen from marts.facts order by 1")
        return {f"{row['day']}": (row["n"], row["yen"]) for row in rows}


def shop_of(folder: Path, keep: str = "duplicates: reject") -> Shop:
    project = folder / "dbt_project"
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text.replace("KEEP", keep))
    (project / "macros").mkdir(exist_ok=True)
    for name in COPIED:
        shutil.copy(DBT_PROJECT_DIR / "macros" / name, project / "macros" / name)
    (folder / "data" / "sources").mkdir(parents=True, exist_ok=True)
    return Shop(folder, load_catalog(project, folder / "cache"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return shop_of(tmp_path)


def test_a_row_delivered_again_in_another_file_counts_once(shop: Shop) -> None:
    shop.run({"paid_march.csv": MARCH})
    assert shop.total() == (2, 120)
    shop.run({"paid_march (copy).csv": MARCH})
    assert shop.total() == (2, 120), "the same bytes under another name"
    shop.run(
        {"paid_april.csv": "no,at,yen\nb,2024-03-05 11:00:00,20\nc,2024-04-01 09:00:00,3\nc,2024-04-01 09:00:00,3\n"}
    )
    assert shop.total() == (3, 123), "b again in another file, c twice in the same"
    assert len(shop.raw_folder.rows("select * from raw.paid")) == 6, "what may count again stays in raw"


def test_of_two_files_that_differ_the_later_day_column_counts_until_it_is_corrected_or_withdrawn(shop: Shop) -> None:
    shop.run({"paid_2.csv": "no,at,yen\na,2024-03-06 10:00:00,70\n", "paid_1.csv": MARCH})
    assert shop.total() == (2, 90), "70 is later than 100"
    shop.run({"paid_2.csv": "no,at,yen\na,2024-03-04 10:00:00,70\n"})
    assert shop.total() == (2, 120), "corrected, it is earlier"
    shop.run({"paid_3.csv": "no,at,yen\na,2024-03-05 10:00:00,1\nb,2024-03-05 11:00:00,2\n"})
    assert shop.total() == (2, 3), "at the same time the greater path decides"
    shop.raw_folder.remove("paid_3.csv")
    shop.run()
    shop.run(withdraw=True)
    assert shop.total() == (2, 120), "the winner was withdrawn, so the others count again"


def test_conflicts_within_and_between_files(shop: Shop) -> None:
    twice = "no,at,yen\na,2024-03-05 10:00:00,5\na,2024-03-05 10:00:00,6\nd,2024-03-05 10:00:00,1\n"
    shop.run({"paid_9.csv": twice, "paid_1.csv": MARCH})
    assert shop.raw_folder.rows("select path, line, reason from raw._rejected_rows") == [
        {"path": "paid_9.csv", "line": 2, "reason": "same key as line 3, which counts; they differ in yen"}
    ]
    assert shop.total() == (3, 27), "6 in the place of 5 and of 100, 20, 1"


def test_days_of_a_daily_source_that_share_a_key_are_built_again_without_sql_of_the_author(shop: Shop) -> None:
    fifth, sixth = "sold_x_20240305.csv", "sold_x_20240306.csv"
    shop.run({fifth: "no,yen\na,1\nb,20\n", sixth: "no,yen\nc,300\n"})
    assert shop.facts() == {"2024-03-05": (2, 21), "2024-03-06": (1, 300)}
    shop.run({sixth: "no,yen\nc,300\nb,20\n"})
    assert shop.facts() == {"2024-03-05": (1, 1), "2024-03-06": (2, 320)}, "the greater path has b"
    shop.run({sixth: "no,yen\nc,300\n"})
    assert shop.facts() == {"2024-03-05": (2, 21), "2024-03-06": (1, 300)}, "and b came back"


def test_duplicates_can_be_kept(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "duplicates: keep")
    shop.run({"paid_march.csv": MARCH, "paid_copy.csv": MARCH + "a,2024-03-05 10:00:00,100\n"})
    assert shop.total() == (5, 340)
    shop = shop_of(tmp_path)
    shop.raw_folder.replay()
    shop.transform()
    assert shop.total() == (2, 120), "and after a change of mind there is one of each"
    shop = shop_of(tmp_path, "duplicates: keep")
    shop.raw_folder.replay()
    shop.transform()
    assert shop.total() == (5, 340)


def test_rows_that_a_fixed_contract_releases_reach_the_models(shop: Shop) -> None:
    shop.run({"sold_x_20240305.csv": "no,yen\na,1\nb,2.0\nc,3\n", "sold_x_20240306.csv": "no,yen\nc,3\n"})
    assert shop.facts() == {"2024-03-05": (1, 1), "2024-03-06": (1, 3)}, "b's yen is not a whole number"
    contracts = shop.folder / "dbt_project" / "models" / "shop.yml"
    wider = "{name: yen, data_type: 'decimal(9,1)'}".join(
        contracts.read_text().rsplit("{name: yen, data_type: integer}", 1)
    )
    contracts.write_text(wider)
    shop = replace(shop, catalog=load_catalog(shop.folder / "dbt_project", shop.folder / "cache"))
    shop.raw_folder.replay()
    shop.transform()
    assert shop.facts() == {"2024-03-05": (2, 3), "2024-03-06": (1, 3)}
