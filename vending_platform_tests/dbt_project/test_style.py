"""The project follows the rules of style; breaking one gives a message with what to do about it."""

import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from vending_platform.environment import DBT_PROJECT_DIR, PROJECT_DIR
from vending_platform.file_lock import exclusive
from vending_platform_tests.dbt_project.style import (
    RULES,
    Rule,
    Sql,
    compiled_sql,
    exceptions_of,
    judged,
    objections_to,
)
from vending_platform_tests.dbt_project.style.descriptions import undescribed_macros
from vending_platform_tests.dbt_project.style.portable import FUNCTIONS, written_otherwise


@pytest.fixture(scope="module")
def sql(run_folder: Path, manifest: dict[str, Any]) -> Sql:
    folder = run_folder / "portable"
    with exclusive(folder.with_suffix(".lock"), "compiling", on_wait=lambda _: None):  # once for all workers
        return compiled_sql(folder, manifest)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_project_follows(rule: Rule, manifest: dict[str, Any]) -> None:
    verdict = judged(rule, manifest, exceptions_of(DBT_PROJECT_DIR))
    for warning in verdict.warnings:
        warnings.warn(f"style: {warning}", stacklevel=1)
    assert not verdict.failures, "\n" + "\n".join(verdict.failures)


@pytest.mark.parametrize("part", ["description", "an argument", "an argument's description"])
def test_a_macro_without_a_whole_description_breaks_the_rule(part: str, manifest: dict[str, Any]) -> None:
    changed = copy.deepcopy(manifest["macros"]["macro.vending.safe_divide"])
    match part:
        case "description":
            changed["description"] = ""
        case "an argument":
            changed["arguments"].pop()
        case _:
            changed["arguments"][0]["description"] = ""
    broken = manifest | {"macros": manifest["macros"] | {"macro.vending.safe_divide": changed}}
    assert list(undescribed_macros.broken_by(broken)) == ["safe_divide"]


def test_exceptions_name_existing_rules() -> None:
    assert exceptions_of(DBT_PROJECT_DIR).keys() <= {rule.name for rule in RULES}


def test_models_use_only_portable_sql(sql: Sql) -> None:
    names = {path.stem for path in (DBT_PROJECT_DIR / "models").rglob("*.sql")}
    assert {warehouse: set(models) for warehouse, models in sql.compiled.items()} == dict.fromkeys(sql.compiled, names)
    objections = list(objections_to(sql))
    assert not objections, "\n" + "\n".join(objections)


def test_no_model_joins_too_much(sql: Sql) -> None:
    joins = {
        model: len(list(sqlglot.parse_one(text, dialect="duckdb").find_all(exp.Join)))
        for model, text in sql.compiled["duckdb"].items()
    }
    too_many = [
        f"{model} joins {count} times: put some of it into an int_ model."
        for model, count in joins.items()
        if count > 7
    ]
    assert not too_many, "\n" + "\n".join(too_many)


def test_marts_name_their_columns() -> None:
    for path in (DBT_PROJECT_DIR / "models" / "marts").rglob("*.sql"):
        advice = f"{path.name}: let it end in a CTE `final as (…)` that names its columns, and `select * from final`"
        *_, final = path.read_text().split("final as (")
        columns, _, end = final.partition("\n)\n")
        assert not [line for line in columns.splitlines() if line.rstrip(", ").endswith("*")], advice
        assert end.strip() == "select * from final", advice


def test_the_documented_functions_are_the_allowed_ones() -> None:
    page = (PROJECT_DIR / "docs" / "portable-sql.md").read_text(encoding="utf-8")
    listed = page.split("## What is understood alike")[1].split("\n## ")[0]
    functions = {word for word in listed.split("`")[1::2] if word.endswith("()")}
    assert functions == {f"{name.lower()}()" for name in FUNCTIONS - {"CASE", "CAST", "EXISTS"}}


@pytest.mark.parametrize(
    ("sql", "objection"),
    [
        ("select a::date from t", "::"),
        ("select list(a) from t", "ARRAY_AGG"),
        ("select [1, 2] as a", "["),
        ("select {'a': 1} as a", "{"),
        ("select a / b from t", "/"),
        ("select cast(a as double) / b from t", "/"),
        ("select a // b from t", "//"),
        ("select strftime(a, '%Y') from t", "TIME_TO_STR"),
        ("select epoch_us(a) from t", "EPOCH_US"),
        ("select cast(a as hugeint) from t", "INT128"),
        ("select try_cast(a as date) from t", "try_cast"),
        ("select a + interval 1 day from t", "interval"),
        ("select arg_max(a, b) from t", "ARG_MAX"),
        ("select a from t order by a", "order by"),
        ("select now()", "NOW"),
        ("select trim(a) from t", "TRIM"),
        ("select trim(leading 'x' from a) from t", "TRIM"),
        ("select substring(a, 0, 2) from t", "SUBSTRING"),
        ("select split_part(a, ',', -1) from t", "SPLIT_PART"),
        ("select strptime(a, '%Y') from t", "STRPTIME"),
        ("select regexp_extract(a, 'b') from t", "REGEXP_EXTRACT"),
        ("select b from t cross join unnest(string_split(a, ',')) as u(b)", "unnest"),
    ],
)
def test_sql_that_is_not_portable_is_refused(sql: str, objection: str) -> None:
    assert objection in set(written_otherwise(sql, "duckdb"))


@pytest.mark.parametrize(
    "sql", ["trim(a, ' x')", "substring(a, 1, 2)", "split_part(a, ',', 2)", "date_trunc('month', a)"]
)
def test_portable_sql_passes(sql: str) -> None:
    assert not set(written_otherwise(f"select {sql} from t", "duckdb"))
    assert not set(written_otherwise(f"select {sql} from t", "snowflake"))
