"""How a dbt project is kept: the rules of dbt-project-evaluator, and a few of our own, over the real manifest.

Every rule gives the names that break it. `REASONS` holds the exceptions, each with its reason; one that is no longer
needed fails too, so the list can only shrink by itself. That no model joins too much is asked in test_portable_sql.py,
of the SQL that dbt makes.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

Manifest = dict[str, Any]
Rule = Callable[[Manifest], Iterator[str]]

PREFIXES = {"staging": ("stg_", "base_"), "intermediate": ("int_",), "marts": ("dim_", "fct_", "mart_")}
CALCULATION = re.compile(
    r"\b(case|sum|count|min|max|row_number|lag|lead|round|distinct|union|extract)\b|\w \|\| |[\w)] [-+*] [\w(]"
)
FILTERS = {"source", "in_window", "in_reach", "was_valid"}
"""Macros that choose rows and calculate nothing."""
MONEY = re.compile(r"(?:^|_)(?:amount|charged|contribution|cost|gross|margin|net|refunded|revenue|sales)(?:_|$)")
NO_MONEY = re.compile(r"^(?:vends|units|days|is)_|_(?:rate|rank|share)$")
"""Counts of what has no margin or cost, and parts of one."""

_IN_THE_TABLE = "a view over all of history; its table asks, about the days that it builds"
_A_GROUP = "a view that is grouped by its key; the mart built on it has the same one, and asks"
_AS_DELIVERED = "what a file and a line may say is held when they are loaded"
_SEARCHED_ONCE = "all of history is searched for a day's keys, once"
_AS_THE_MASTER_SAYS = "as the products' master says; the var costs_include_tax tells whether tax is in it"
_HAVE_UNIT_COSTS = ("dim_products", "fct_replenishments", "fct_sales", "mart_product_daily")
_SALES_OF_DECISIONS = (
    "fct_stockouts.sales_lost",
    *(f"mart_price_changes.sales_{when}" for when in ("before", "after", "per_day_before", "per_day_after")),
    *(f"mart_replenishment_recommendation.{name}" for name in ("machine_sales_lost_tomorrow", "machine_sales_saved")),
    "mart_replenishment_recommendation.sales_saved",
)
_AS_PRODUCTS = "picks rows as stg_vending__products does, whose unit test shows it"
_READ_VENDS = (
    *("int_machine_hours", "int_price_change_peers", "int_product_prices", "int_sales_by_tax_rate"),
    *("int_slot_empty_spells", "int_slot_stretches"),
)
REASONS: Mapping[str, Mapping[str, str]] = {
    "keys_not_tested": {
        "base_vending__sales": _AS_DELIVERED,
        "base_vending__replenishments": _AS_DELIVERED,
        "stg_vending__sales": _IN_THE_TABLE,
        "stg_vending__replenishments": _IN_THE_TABLE,
        "int_replenishments_valued": _IN_THE_TABLE,
        "int_vends_priced": _IN_THE_TABLE,
        "int_sales_by_tax_rate": _A_GROUP,
        "stg_quality__results": "the platform writes it, and a run that is told twice would be two runs",
    },
    "calculations_without_a_unit_test": {
        "stg_vending__machines": _AS_PRODUCTS,
        "stg_vending__payment_methods": _AS_PRODUCTS,
        "stg_vending__product_categories": _AS_PRODUCTS,
        "stg_vending__staff": _AS_PRODUCTS,
        "int_calendar": "has 70,000 rows and no input; its data tests look at all of them",
    },
    "marts_read_by_what_is_below": {
        **{f"{name} < fct_sales": "the fact is the only table of the vends" for name in _READ_VENDS},
        "int_slot_stretches < fct_replenishments": "the fact is the only table of the visits",
        "int_slot_empty_spells < fct_replenishments": "the fact is the only table of the visits",
        "int_slot_empty_spells < fct_slot_inventory_daily": "a spell begins and ends with what the days say",
        "int_slot_velocities < fct_slot_inventory_daily": "a velocity is told by days on which something was left",
        "int_route_rhythms < mart_machine_daily": "when a route drives is told by the visits of its days",
        "int_machine_rhythms < mart_machine_daily": "a rhythm is that of the machine's days, which stand there",
    },
    "money_that_does_not_say_whether_tax_is_in_it": {
        **{f"{model}.unit_cost": _AS_THE_MASTER_SAYS for model in _HAVE_UNIT_COSTS},
        **dict.fromkeys(_SALES_OF_DECISIONS, "a sale that was not made or is expected is what customers pay, with tax"),
        "fct_replenishments.sales_meter": "what the machine counted, as it was read",
        "mart_cash_reconciliation.unexplained_sales": "cash is compared with cash: what was paid",
        "mart_cashless_settlement.tax_amount": "is the tax",
        "mart_machine_profitability.tax_amount": "is the tax",
    },
    "sources_nobody_uses": {
        "results_run": "for people, and for the report",
        "results_failed_rows": "for people, and for the report",
    },
    "unmaterialized_as_their_layer": {
        "base_vending__sales_outdone": _SEARCHED_ONCE,
        "base_vending__replenishments_outdone": _SEARCHED_ONCE,
        "mart_data_quality": "checks are recorded after the build that they are about",
    },
    "models_nobody_reads": {"stg_platform__rejected_rows": "for people who look for what was rejected"},
    "models_without_parents": {"int_calendar": "days are nobody's delivery"},
}
"""By rule, what may break it, and why."""


def models(manifest: Manifest) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def parents(manifest: Manifest, node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models, seeds and sources that a node is built from directly."""
    known = manifest["nodes"] | manifest["sources"]
    return [known[name] for name in node["depends_on"]["nodes"] if name in known]


def layer(node: Mapping[str, Any]) -> str:
    return str(node["fqn"][1])


def said_of(manifest: Manifest, node: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """Every generic test of a node: its name, its arguments and its column."""
    for test in manifest["nodes"].values():
        if test.get("attached_node") == node["unique_id"] and test["test_metadata"]:
            yield test["test_metadata"]["name"], test["test_metadata"]["kwargs"], test["column_name"]


# --- What is written down ---------------------------------------------------------------------------------------------


def undescribed_models(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in models(manifest) if not node["description"].strip())


def undescribed_columns(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if not node["columns"]:
            yield node["name"]
        yield from (
            f"{node['name']}.{column['name']}"
            for column in node["columns"].values()
            if not column["description"].strip()
        )


def undescribed_sources(manifest: Manifest) -> Iterator[str]:
    for source in manifest["sources"].values():
        if not source["description"].strip() or not source["source_description"].strip() or not source["columns"]:
            yield source["name"]
        yield from (
            f"{source['name']}.{column['name']}"
            for column in source["columns"].values()
            if not column["description"].strip()
        )


def undescribed_others(manifest: Manifest) -> Iterator[str]:
    """Exposures, seeds, singular tests, groups."""
    yield from (node["name"] for node in manifest["exposures"].values() if not node["description"].strip())
    yield from (group["name"] for group in manifest["groups"].values() if not group["description"].strip())
    for node in manifest["nodes"].values():
        is_singular = node["resource_type"] == "test" and not node.get("test_metadata")
        if (node["resource_type"] == "seed" or is_singular) and not node["description"].strip():
            yield node["name"]
        if node["resource_type"] == "seed":
            yield from (
                f"{node['name']}.{column['name']}"
                for column in node["columns"].values()
                if not column["description"].strip()
            )


def models_without_a_yml(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in models(manifest) if not node["patch_path"])


def ymls_of_another_folder(manifest: Manifest) -> Iterator[str]:
    """A model and what is said about it stand side by side."""
    for node in models(manifest):
        said_in = PurePosixPath(node["patch_path"].split("://")[-1]).parent
        if said_in != PurePosixPath(node["original_file_path"]).parent:
            yield node["name"]


# --- Keys and tests ---------------------------------------------------------------------------------------------------


def keys_not_tested(manifest: Manifest) -> Iterator[str]:
    """A model's key is one column that is unique, or a combination; see `filled` for what may not be empty."""
    for node in models(manifest):
        names = {name for name, _, _ in said_of(manifest, node)}
        if not names & {"unique", "unique_combination"}:
            yield node["name"]


def keys_that_may_be_empty(manifest: Manifest) -> Iterator[str]:
    """`unique` says nothing of rows without a key; `unique_combination` does."""
    for node in models(manifest):
        said = list(said_of(manifest, node))
        filled = {column for name, arguments, _ in said if name == "filled" for column in arguments["columns"]}
        filled |= {str(column) for name, _, column in said if name == "not_null"}
        yield from (
            f"{node['name']}.{column}" for name, _, column in said if name == "unique" and str(column) not in filled
        )


def calculations_without_a_unit_test(manifest: Manifest) -> Iterator[str]:
    told = {unit_test["model"] for unit_test in manifest["unit_tests"].values()}
    for node in models(manifest):
        if node["name"] not in told and any(calculations(manifest, node)):
            yield node["name"]


def calculations(manifest: Manifest, node: Mapping[str, Any]) -> Iterator[str]:
    """What a model's file calculates: in SQL's words, and by the project's own macros."""
    own = {macro["name"] for macro in manifest["macros"].values() if macro["package_name"] == "vending"} - FILTERS
    code = re.sub(r"--.*|\{#.*?#\}|select \*", "", node["raw_code"])
    yield from set(re.findall(r"\{\{-?\s*(\w+)\(", code)) & own
    yield from (found.group() for found in CALCULATION.finditer(re.sub(r"\{\{.*?\}\}", "", code, flags=re.DOTALL)))


# --- The graph --------------------------------------------------------------------------------------------------------


def sources_used_twice(manifest: Manifest) -> Iterator[str]:
    used = Counter(
        source["unique_id"]
        for node in models(manifest)
        for source in parents(manifest, node)
        if source["resource_type"] == "source"
    )
    yield from (manifest["sources"][name]["name"] for name, times in used.items() if times > 1)


def sources_nobody_uses(manifest: Manifest) -> Iterator[str]:
    used = {name for node in models(manifest) for name in node["depends_on"]["nodes"]}
    yield from (source["name"] for name, source in manifest["sources"].items() if name not in used)


def sources_read_behind_staging(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) != "staging" and any(read["resource_type"] == "source" for read in parents(manifest, node)):
            yield node["name"]


def staging_on_more_than_its_source(manifest: Manifest) -> Iterator[str]:
    """One source each, or a base model of it. Base models also say which version of a file counts, and which row."""
    for node in models(manifest):
        if layer(node) != "staging":
            continue
        read = delivered(manifest, node)
        if len(read) != 1 or any(name not in manifest["sources"] for name in read):
            yield node["name"]


def delivered(manifest: Manifest, node: Mapping[str, Any]) -> set[str]:
    """What a staging model reads, itself or by a base model of its own domain; those of others only help to choose."""
    found: set[str] = set()
    for parent in parents(manifest, node):
        if not parent["name"].startswith("base_"):
            found.add(parent["unique_id"])
        elif parent["fqn"][2] == node["fqn"][2]:
            found |= delivered(manifest, parent)
    return found


def marts_read_by_what_is_below(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) == "staging" and any(layer(read) == "marts" for read in parents(manifest, node)):
            yield node["name"]
        if layer(node) == "intermediate":
            read = [parent["name"] for parent in parents(manifest, node) if layer(parent) == "marts"]
            yield from (f"{node['name']} < {name}" for name in read)


def staging_read_by_marts(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) == "marts" and any(layer(read) == "staging" for read in parents(manifest, node)):
            yield node["name"]


def models_nobody_reads(manifest: Manifest) -> Iterator[str]:
    """Marts are for people; what stands before them is for a model."""
    readers = [*models(manifest), *manifest["exposures"].values()]
    read = {name for node in readers for name in node["depends_on"]["nodes"]}
    yield from (node["name"] for node in models(manifest) if layer(node) != "marts" and node["unique_id"] not in read)


def models_without_parents(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in models(manifest) if not parents(manifest, node))


def exposures_of_what_is_no_mart(manifest: Manifest) -> Iterator[str]:
    for exposure in manifest["exposures"].values():
        if not (read := parents(manifest, exposure)) or any(layer(node) != "marts" for node in read):
            yield exposure["name"]


# --- Names and folders ------------------------------------------------------------------------------------------------


def misnamed_models(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        prefixes = PREFIXES[layer(node)]
        if layer(node) == "staging":
            prefixes = tuple(f"{prefix}{node['fqn'][2]}__" for prefix in prefixes)
        if not node["name"].startswith(prefixes) or not re.fullmatch(r"[a-z][a-z0-9_]*", node["name"]):
            yield node["name"]


def misplaced_models(manifest: Manifest) -> Iterator[str]:
    """models/<layer>/<domain>/<model>.sql, in the layer's schema."""
    for node in models(manifest):
        folders = PurePosixPath(node["original_file_path"]).parts
        if len(folders) != 4 or folders[1] not in PREFIXES or node["schema"] != folders[1]:
            yield node["name"]


def marts_without_a_contract(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) == "marts" and not (
            node["contract"]["enforced"] and all(column["data_type"] for column in node["columns"].values())
        ):
            yield node["name"]


def money_that_does_not_say_whether_tax_is_in_it(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        for column in node["columns"] if layer(node) == "marts" else ():
            is_money = MONEY.search(column) and not NO_MONEY.search(column)
            if is_money and not column.endswith(("_with_tax", "_without_tax")):
                yield f"{node['name']}.{column}"


def unmaterialized_as_their_layer(manifest: Manifest) -> Iterator[str]:
    """Staging is views; people's marts are tables, so that a reader never waits for a calculation."""
    for node in models(manifest):
        how = node["config"]["materialized"]
        if (layer(node) == "staging" and how != "view") or (layer(node) == "marts" and how == "view"):
            yield node["name"]


RULES: tuple[Rule, ...] = (
    undescribed_models,
    undescribed_columns,
    undescribed_sources,
    undescribed_others,
    models_without_a_yml,
    ymls_of_another_folder,
    keys_not_tested,
    keys_that_may_be_empty,
    calculations_without_a_unit_test,
    sources_used_twice,
    sources_nobody_uses,
    sources_read_behind_staging,
    staging_on_more_than_its_source,
    marts_read_by_what_is_below,
    staging_read_by_marts,
    models_nobody_reads,
    models_without_parents,
    exposures_of_what_is_no_mart,
    misnamed_models,
    misplaced_models,
    marts_without_a_contract,
    money_that_does_not_say_whether_tax_is_in_it,
    unmaterialized_as_their_layer,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps(rule: Rule, manifest: Manifest) -> None:
    assert sorted(set(rule(manifest))) == sorted(REASONS.get(rule.__name__, {}))
