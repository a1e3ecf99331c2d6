"""The models' SQL is the same on DuckDB and Snowflake: a list of what both understand alike, and nothing beside it.

Both forms are compiled by dbt itself, without a warehouse. No emulator can prove that Snowflake gives the same answer;
that a model uses only what is on the list, can be proven.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import pytest
import sqlglot
from sqlglot import exp

from vending_platform.environment import DBT_PROJECT_DIR, SnowflakeTarget
from vending_platform.transformation import snowflake
from vending_platform.warehouse.lock import exclusive
from vending_platform_tests.dbt_project.dbt import Dbt
from vending_platform_tests.emulators.keys import private_key

FUNCTIONS = {"AND", "CASE", "CAST", "COALESCE", "COUNT", "LAG", "LEAD", "MAX", "MD5", "MIN", "NULLIF", "OR", "ROUND"}
FUNCTIONS |= {
    "ABS",
    "DATEDIFF",
    "EXISTS",
    "EXP",
    "EXTRACT",
    "FLOOR",
    "LN",
    "ROW_NUMBER",
    "SQRT",
    "SUM",
    "TIMESTAMP_TRUNC",
}
BY_DISPATCH = {"duckdb": {"GROUP_CONCAT"}, "snowflake": {"CONVERT_TIMEZONE", "DATE_ADD", "GROUP_CONCAT"}}
"""What differs and stands in a macro with a form for each."""
TYPES = {"VARCHAR", "TEXT", "BIGINT", "INT", "DECIMAL", "DATE", "TIMESTAMP", "TIMESTAMPNTZ", "BOOLEAN", "DOUBLE"}
FOREIGN = (
    *(exp.Array, exp.Struct, exp.Bracket, exp.Lambda, exp.Slice, exp.Unnest, exp.Lateral, exp.Pivot, exp.IntDiv),
    *(exp.Div, exp.Mod, exp.Interval, exp.RegexpLike, exp.ILike, exp.SimilarTo, exp.TryCast, exp.Cluster, exp.Offset),
)
"""What the two write or mean differently; division, because an integer by an integer is one on DuckDB only."""
NOWHERE = SnowflakeTarget("nowhere", "nobody", "nobody", "NOWHERE", "NOWHERE")

Compiled = Mapping[str, str]


@pytest.fixture(scope="module")
def compiled(run_folder: Path) -> Mapping[str, Compiled]:
    """Every model's SQL, by dialect and model."""
    return {dialect: _compiled(dialect, run_folder / f"compiled_{dialect}") for dialect in BY_DISPATCH}


def _compiled(dialect: str, folder: Path) -> Compiled:
    dbt = Dbt(folder)
    variables = snowflake(NOWHERE, private_key, "{}").variables() if dialect == "snowflake" else {}
    target = "staging" if dialect == "snowflake" else "development"
    with exclusive(folder.with_suffix(".lock"), "compiling", on_wait=lambda _: None):  # once for all workers
        if not folder.exists():
            folder.mkdir()
            with mock.patch.dict(os.environ, variables):
                dbt(
                    "compile",
                    "--select",
                    "resource_type:model",
                    "--no-populate-cache",
                    "--no-introspect",
                    "--target",
                    target,
                )
    models = (dbt.target / "compiled" / "vending" / "models").rglob("*.sql")
    return {path.stem: path.read_text() for path in models if ".yml" not in str(path)}


def objections(sql: str, dialect: str, allowed: set[str]) -> Iterator[str]:
    """Everything in the SQL that is not on the list."""
    if "::" in sql:
        yield "a cast by ::"
    for query in sqlglot.parse(sql, dialect=dialect):
        assert query is not None
        for node in query.walk():
            if isinstance(node, exp.AtTimeZone):
                if dialect != "duckdb":
                    yield "at time zone"
            elif isinstance(node, FOREIGN) and not _is_safe_division(node):
                yield type(node).__name__
            elif isinstance(node, exp.DataType):
                if node.this.name not in TYPES:
                    yield f"the type {node.sql(dialect)}"
            elif isinstance(node, exp.If) and isinstance(node.parent, exp.Case):
                continue  # what stands after `when`
            elif isinstance(node, exp.Func) and _name(node) not in allowed:
                yield f"the function {_name(node)}"
            elif isinstance(node, exp.Order) and not isinstance(
                node.parent, exp.Window | exp.WithinGroup | exp.GroupConcat
            ):
                yield "order by"


def _is_safe_division(node: exp.Expression) -> bool:
    """The macro's form: doubles on both sides, and null for a zero."""
    return (
        isinstance(node, exp.Div)
        and isinstance(node.expression, exp.Nullif)
        and all(
            isinstance(side, exp.Cast) and side.to.this.name == "DOUBLE" for side in (node.this, node.expression.this)
        )
    )


def _name(node: exp.Func) -> str:
    return str(node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()


@pytest.mark.parametrize("dialect", list(BY_DISPATCH))
def test_models_use_only_what_both_warehouses_understand_alike(compiled: Mapping[str, Compiled], dialect: str) -> None:
    assert set(compiled[dialect]) == {path.stem for path in (DBT_PROJECT_DIR / "models").rglob("*.sql")}
    found = {
        model: sorted(set(objections(sql, dialect, FUNCTIONS | BY_DISPATCH[dialect])))
        for model, sql in compiled[dialect].items()
    }
    assert {model: objected for model, objected in found.items() if objected} == {}


def test_what_differs_is_by_macro(compiled: Mapping[str, Compiled]) -> None:
    def tree(model: str, dialect: str) -> exp.Expression:
        def plain(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Table):  # databases are called differently
                return exp.table_(node.name, alias=node.alias or None)
            return node

        return sqlglot.parse_one(compiled[dialect][model], dialect="duckdb").transform(plain)

    different = {model for model in compiled["duckdb"] if tree(model, "duckdb") != tree(model, "snowflake")}
    moments, days_added = {"base_platform__file_versions"}, {"int_machine_rhythms", "mart_cashless_settlement"}
    assert different == moments | days_added


def test_no_model_joins_too_much(compiled: Mapping[str, Compiled]) -> None:
    joins = {
        model: len(list(sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Join)))
        for model, sql in compiled["duckdb"].items()
    }
    assert max(joins.values()) <= 7, joins


def test_marts_name_their_columns() -> None:
    for path in (DBT_PROJECT_DIR / "models" / "marts").rglob("*.sql"):
        *_, final = path.read_text().split("final as (")
        columns, _, end = final.partition("\n)\n")
        assert not [line for line in columns.splitlines() if line.rstrip(", ").endswith("*")], path.name
        assert end.strip() == "select * from final", path.name


@pytest.mark.parametrize(
    ("sql", "objection"),
    [
        ("select a::date from t", "a cast by ::"),
        ("select list(a) from t", "the function ARRAY_AGG"),
        ("select [1, 2] as a", "Array"),
        ("select {'a': 1} as a", "Struct"),
        ("select a / b from t", "Div"),
        ("select cast(a as double) / b from t", "Div"),
        ("select a // b from t", "IntDiv"),
        ("select strftime(a, '%Y') from t", "the function TIME_TO_STR"),
        ("select epoch_us(a) from t", "the function EPOCH_US"),
        ("select cast(a as hugeint) from t", "the type INT128"),
        ("select try_cast(a as date) from t", "TryCast"),
        ("select a + interval 1 day from t", "Interval"),
        ("select arg_max(a, b) from t", "the function ARG_MAX"),
        ("select a from t order by a", "order by"),
        ("select now()", "the function NOW"),
    ],
)
def test_the_list_can_object(sql: str, objection: str) -> None:
    assert objection in set(objections(sql, "duckdb", FUNCTIONS))
