"""Rules about what is tested."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vending_platform_tests.dbt_project.style.rule import Manifest, models, rule, tests_of

_CALCULATION = re.compile(
    r"\b(case|sum|count|min|max|row_number|lag|lead|round|distinct|union|extract)\b|\w \|\| |[\w)] [-+*] [\w(]"
)
_FILTERS = {"source", "in_window", "in_reach", "valid_on"}
"""Macros that choose rows and calculate nothing."""


@rule(
    "Nothing tests the key of {name}: add the data test `unique` to its column, or `unique_combination_of_columns` with"
    " the columns to the model."
)
def keys_not_tested(manifest: Manifest) -> Iterator[str]:
    """A model's key is one column that is unique, or a combination; what may not be empty is in `not_null_columns`."""
    for node in models(manifest):
        names = {name for name, _, _ in tests_of(manifest, node)}
        if not names & {"unique", "unique_combination_of_columns"}:
            yield node["name"]


@rule(
    "{name} is tested to be unique, but may be empty: list it in the model's data test `not_null_columns`, or add"
    " `not_null`."
)
def keys_that_may_be_empty(manifest: Manifest) -> Iterator[str]:
    """`unique` ignores rows without a key; `unique_combination_of_columns` does."""
    for node in models(manifest):
        tests = list(tests_of(manifest, node))
        filled = {
            column for name, arguments, _ in tests if name == "not_null_columns" for column in arguments["columns"]
        }
        filled |= {str(column) for name, _, column in tests if name == "not_null"}
        yield from (
            f"{node['name']}.{column}" for name, _, column in tests if name == "unique" and str(column) not in filled
        )


@rule("{name} calculates, and no unit test shows how: add one, with input and expected rows, under `unit_tests:`.")
def calculations_without_a_unit_test(manifest: Manifest) -> Iterator[str]:
    tested = {unit_test["model"] for unit_test in manifest["unit_tests"].values()}
    for node in models(manifest):
        if node["name"] not in tested and any(_calculations(manifest, node)):
            yield node["name"]


def _calculations(manifest: Manifest, node: Mapping[str, Any]) -> Iterator[str]:
    """What a model's file calculates: in SQL's words, and by the project's own macros."""
    own = {macro["name"] for macro in manifest["macros"].values() if macro["package_name"] == "vending"} - _FILTERS
    code = re.sub(r"--.*|\{#.*?#\}|select \*", "", node["raw_code"])
    yield from set(re.findall(r"\{\{-?\s*(\w+)\(", code)) & own
    yield from (found.group() for found in _CALCULATION.finditer(re.sub(r"\{\{.*?\}\}", "", code, flags=re.DOTALL)))


RULES = (keys_not_tested, keys_that_may_be_empty, calculations_without_a_unit_test)
