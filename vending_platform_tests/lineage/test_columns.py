"""Which columns the columns of a statement are made of."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from vending_platform.lineage import ColumnRef, column_lineage, columns_of

TABLES = {"marts": {"sales": ["machine_id", "day", "yen", "status"], "machines": ["machine_id", "route"]}}
DIALECTS = ("duckdb", "snowflake")


def behind(statement: str, dialect: str = "duckdb") -> dict[str, list[str]]:
    found = columns_of(statement, TABLES, dialect)
    return {name: [f"{column.table}.{column.name}" for column in columns] for name, columns in found.items()}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_through_common_tables_joins_and_stars(dialect: str) -> None:
    statement = """
        with sold as (select * from dev.marts.sales where status <> 'failed'),
        summed as (select machine_id, sum(case when status = 'completed' then yen end) as yen from sold group by 1)
        select machines.route, summed.yen, summed.yen / 2 as half, count(*) as n
        from summed inner join dev.marts.machines as machines using (machine_id) group by all
    """
    assert behind(statement, dialect) == {
        "route": ["machines.route"],
        "yen": ["sales.status", "sales.yen"],
        "half": ["sales.status", "sales.yen"],
        "n": [],
    }


def test_columns_of_a_union_are_matched_by_their_place() -> None:
    statement = (
        "select machine_id as id, yen as what from marts.sales union all select machine_id, route from marts.machines"
    )
    assert behind(statement) == {
        "id": ["machines.machine_id", "sales.machine_id"],
        "what": ["machines.route", "sales.yen"],
    }


def test_a_subquery_in_an_expression_and_a_table_that_reads_itself() -> None:
    statement = """
        with recursive days as (
            select min(day) as day from marts.sales
            union all
            select days.day + 1 from days where days.day < (select max(day) from marts.sales)
        )
        select day, (select max(yen) from marts.sales) as top from days
    """
    assert behind(statement) == {"day": ["sales.day"], "top": ["sales.yen"]}


@pytest.fixture
def manifest() -> dict[str, Any]:
    def model(name: str) -> dict[str, Any]:
        path = f"models/{name}.sql"
        return {
            "resource_type": "model",
            "package_name": "shop",
            "original_file_path": path,
            "schema": "marts",
            "name": name,
            "columns": {},
        }

    source = {"schema": "raw", "identifier": "sales", "columns": {"yen": {}}}
    return {
        "nodes": {f"model.shop.{name}": model(name) for name in ("a_day", "z_sales")},
        "sources": {"source.shop.raw.sales": source},
        "parent_map": {"model.shop.a_day": ["model.shop.z_sales"], "model.shop.z_sales": ["source.shop.raw.sales"]},
    }


def compile_into(folder: Path, **statements: str) -> Path:
    for name, text in statements.items():
        path = folder / "shop" / "models" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_what_was_found_is_kept_until_the_sql_is_another(manifest: dict[str, Any], tmp_path: Path) -> None:
    compiled, kept = tmp_path / "compiled", tmp_path / "kept"
    assert column_lineage(manifest, compiled, kept, "duckdb") == {}, "nothing was built yet"
    day = "select * from marts.z_sales where '{}' <> ''"
    compile_into(compiled, z_sales="select yen from raw.sales", a_day=day.format("2024-03-01"))
    found = column_lineage(manifest, compiled, kept, "duckdb")
    assert found["model.shop.a_day"] == {"yen": [ColumnRef("marts", "z_sales", "yen")]}
    (file,) = kept.glob("*.json")
    written = json.dumps({"model.shop.a_day": {"known": []}})
    file.write_text(written)
    compile_into(compiled, a_day=day.format("2024-03-02"))
    assert column_lineage(manifest, compiled, kept, "duckdb") == {"model.shop.a_day": {"known": []}}, "of another day"
    compile_into(compiled, a_day="select yen, 1 as one from marts.z_sales")
    assert column_lineage(manifest, compiled, kept, "duckdb")["model.shop.a_day"]["one"] == []
    assert len(list(kept.glob("*.json"))) == 1
    (file,) = kept.glob("*.json")
    os.truncate(file, 5)
    assert column_lineage(manifest, compiled, kept, "duckdb")["model.shop.a_day"]["one"] == []


def test_sql_that_cannot_be_read_has_no_lineage(manifest: dict[str, Any], tmp_path: Path) -> None:
    compiled = compile_into(tmp_path / "compiled", z_sales="select from where", a_day="select 1 as one")
    assert column_lineage(manifest, compiled, tmp_path / "kept", "duckdb") == {"model.shop.a_day": {"one": []}}
