"""What counts as a model's code, and what does not."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from vending_platform.catalog import Model, changed_parts
from vending_platform.catalog.models import models_of
from vending_platform.catalog.sql_text import read_sql

SAME = [
    ("select a, b from t", "select a,b\n    from t"),
    ("select a -- the first\nfrom t", "select a from t"),
    ("select a -- it's the first, 'really\nfrom t", "select a from t"),
    ("select a /* not -- this\n or 'that */ from t", "select a from t"),
    ("select a {# said ' to nobody #} from t", "select a from t"),
    ("select {{ f( a,\n b ) }} from t", "select {{ f(a, b) }} from t"),
    ("{% set x = 1 %}\n\nselect {{ x }}", "{% set x=1 %}\n  select   {{x}}"),
    ("select '{{ day }}' -- day\n, 1", "select '{{ day }}', 1"),
    ("select 1 --end", "select 1"),
]
OTHERS = [
    ("select a from t", "select b from t"),
    ("select 'a b' from t", "select 'a  b' from t"),
    ("select 'a--b' from t", "select 'a--c' from t"),
    ("select '/* a */' from t", "select '/* b */' from t"),
    ("select 'a' 'b'", "select 'a''b'"),
    ('select "a  b" from t', 'select "a b" from t'),
    ("select a - -1", "select a --1"),
    ("select {{ f('a  b') }}", "select {{ f('a b') }}"),
    ("select a_{{ x }}", "select a_ {{ x }}"),
    ("select '{{ a }}--1' , 2", "select '{{ a }}--2' , 2"),
    ("select '{{ a }}' '--1'", "select '{{ a }}' '--2'"),
    ("select '{{ f('--1') }}'", "select '{{ f('--2') }}'"),
    ("select 1 -- {{ x }} a\n", "select 1 -- {{ y }} a\n"),
    ("select 1 -- {{ x }} a\n", "select 1 -- {{ x }} b\n"),
    ("select 1", "select 1 {% if x %}where y{% endif %}"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_comments_and_layout_do_not_count(one: str, other: str) -> None:
    assert read_sql(one).words == read_sql(other).words


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_everything_else_counts(one: str, other: str) -> None:
    assert read_sql(one).words != read_sql(other).words


@pytest.mark.parametrize(
    ("text", "names", "any_name"),
    [
        ("{{ var('a') }} {% if var( \"b\", 1) %}{% endif %} {{ var.has_var('c') }}", {"a", "b", "c"}, False),
        ("var('a') {# var('b') #}", set(), False),
        ("{{ var(name) }} {{ var('a' ~ x) }}", set(), True),
    ],
)
def test_the_vars_that_a_text_reads(text: str, names: set[str], any_name: bool) -> None:
    found = read_sql(text)
    assert found.variables == names
    assert found.reads_any_variable is any_name


def macro(name: str, text: str, *uses: str) -> dict[str, Any]:
    uses_macros = {"macros": [f"macro.shop.{other}" for other in uses]}
    return {"name": name, "package_name": "shop", "macro_sql": text, "depends_on": uses_macros}


def model(name: str, sql: str, *, uses: tuple[str, ...] = (), parents: tuple[str, ...] = (), **config: Any) -> Any:
    return {
        "resource_type": "model",
        "unique_id": f"model.shop.{name}",
        "name": name,
        "package_name": "shop",
        "schema": "marts",
        "alias": name,
        "original_file_path": f"{name}.sql",
        "raw_code": sql,
        "description": "",
        "config": {"materialized": "table", "meta": {}, "contract": {"enforced": True}, "tags": [], **config},
        "unrendered_config": {"materialized": "table", "tags": [], **config},
        "columns": {"amount": {"data_type": "bigint", "description": ""}},
        "depends_on": {"nodes": list(parents), "macros": [f"macro.shop.{used}" for used in uses]},
    }


SEED = {
    "resource_type": "seed",
    "unique_id": "seed.shop.rates",
    "name": "rates",
    "schema": "intermediate",
    "original_file_path": "rates.csv",
    "checksum": {"checksum": "a"},
    "config": {"materialized": "seed", "meta": {}},
    "depends_on": {"nodes": []},
}


def shop() -> dict[str, Any]:
    """A fact with a macro that is chosen by the warehouse and a var, a mart on it, and a model apart."""
    parts = [
        model("fact", "select {{ outer() }}", uses=("outer",), parents=("seed.shop.rates",)),
        model("mart", "select 1 from fact", parents=("model.shop.fact",)),
        model("other", "select {{ unrelated() }}", uses=("unrelated",)),
    ]
    macros = [
        macro("outer", "{{ day_of(var('tolerance')) }}", "day_of"),
        macro("day_of", "{{ adapter.dispatch('day_of')() }}", "default__day_of"),
        macro("default__day_of", "1"),
        macro("snowflake__day_of", "2"),
        macro("unrelated", "3"),
    ]
    return {
        "metadata": {"project_name": "shop"},
        "sources": {},
        "nodes": {node["unique_id"]: node for node in (*parts, deepcopy(SEED))},
        "macros": {f"macro.shop.{one['name']}": one for one in macros},
        "vars": {"tolerance": 1, "shop": {"tolerance": 2, "unused": 3}},
    }


def models(manifest: dict[str, Any]) -> dict[str, Model]:
    return {model.name: model for model in models_of(manifest) if isinstance(model, Model)}


def node(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = manifest["nodes"][f"model.shop.{name}"]
    return found


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "SQL of fact": lambda m: node(m, "fact").update(raw_code="select {{ outer() }} + 1"),
    "macro outer": lambda m: m["macros"]["macro.shop.outer"].update(macro_sql="{{ day_of(var('tolerance')) }} + 1"),
    "macro default__day_of": lambda m: m["macros"]["macro.shop.default__day_of"].update(macro_sql="0"),
    "macro snowflake__day_of": lambda m: m["macros"]["macro.shop.snowflake__day_of"].update(macro_sql="0"),
    "var tolerance": lambda m: m["vars"]["shop"].update(tolerance=9),
    "seed rates": lambda m: m["nodes"]["seed.shop.rates"]["checksum"].update(checksum="b"),
    "declaration of fact": lambda m: node(m, "fact")["columns"]["amount"].update(data_type="decimal(12,2)"),
}


@pytest.mark.parametrize("part", CHANGES)
def test_a_change_is_part_of_what_uses_it_and_of_all_that_is_built_from_that(part: str) -> None:
    before, changed = models(shop()), shop()
    CHANGES[part](changed)
    after = models(changed)
    for name in ("fact", "mart"):
        assert changed_parts(dict(before[name].parts), dict(after[name].parts)) == [part]
        assert before[name].code != after[name].code
    assert before["other"].code == after["other"].code


WITHOUT_MEANING: dict[str, Callable[[dict[str, Any]], object]] = {
    "comment": lambda m: node(m, "fact").update(raw_code="select -- once\n    {{ outer() }}"),
    "comment in a macro": lambda m: m["macros"]["macro.shop.outer"].update(
        macro_sql="{#- why -#} {{ day_of(var('tolerance')) }}"
    ),
    "description": lambda m: node(m, "fact").update(description="what it is"),
    "column's description": lambda m: node(m, "fact")["columns"]["amount"].update(description="yen"),
    "tags": lambda m: (
        node(m, "fact")["config"].update(tags=["a"]),
        node(m, "fact")["unrendered_config"].update(tags=["a"]),
    ),
    "test": lambda m: m["nodes"].update(
        {"test.shop.one": {**SEED, "resource_type": "test", "unique_id": "test.shop.one"}}
    ),
    "database": lambda m: node(m, "fact").update(database="elsewhere"),
    "var of nobody": lambda m: m["vars"]["shop"].update(unused=4),
    "var of others": lambda m: m["vars"].update(tolerance=4),
    "order": lambda m: m.update(macros=dict(reversed(m["macros"].items())), nodes=dict(reversed(m["nodes"].items()))),
}


@pytest.mark.parametrize("what", WITHOUT_MEANING)
def test_what_decides_no_row_is_no_part(what: str) -> None:
    changed = shop()
    WITHOUT_MEANING[what](changed)
    assert {name: one.code for name, one in models(changed).items()} == {
        name: one.code for name, one in models(shop()).items()
    }


def test_the_types_of_columns_count_where_dbt_sees_to_them() -> None:
    changed, same = shop(), shop()
    for manifest in (changed, same):
        node(manifest, "fact")["config"]["contract"] = {"enforced": False}
    node(changed, "fact")["columns"]["amount"]["data_type"] = "text"
    assert models(changed)["fact"].code == models(same)["fact"].code != models(shop())["fact"].code


def test_every_model_of_the_project_has_code_of_its_own_that_can_be_written_down(manifest: dict[str, Any]) -> None:
    found = models(manifest)
    assert len({one.code for one in found.values()}) == len(found)
    assert "var cash_tolerance_yen" in dict(found["mart_cash_reconciliation"].parts)
    assert "seed case_sizes" in dict(found["mart_pick_list"].parts)
    assert not any(name.startswith("var cash_") for name, _ in found["fct_sales"].parts)
    assert all(json.dumps(dict(one.parts)) for one in found.values())
