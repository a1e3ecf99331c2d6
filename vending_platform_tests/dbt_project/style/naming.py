"""Rules about names, folders, and how things are built."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from vending_platform_tests.dbt_project.style.rule import LAYERS, Manifest, layer, models, rule

_PREFIXES = {"staging": ("stg_", "base_"), "intermediate": ("int_",), "marts": ("dim_", "fct_", "mart_")}
_MONEY = re.compile(r"(?:^|_)(?:amount|charged|contribution|cost|gross|margin|net|refunded|revenue|sales)(?:_|$)")
_NO_MONEY = re.compile(r"^(?:vends|units|days|is)_|_(?:rate|rank|share)$")
"""Counts of what has no margin or cost, and parts of one."""


@rule(
    "{name} does not have its layer's name: stg_FOLDER__NAME or base_FOLDER__NAME in staging/FOLDER/, int_NAME in"
    " intermediate/, dim_NAME, fct_NAME or mart_NAME in marts/, in lower case."
)
def misnamed_models(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if (prefixes := _PREFIXES.get(layer(node))) is None:
            continue
        if layer(node) == "staging":
            prefixes = tuple(f"{prefix}{node['fqn'][2]}__" for prefix in prefixes)
        if not node["name"].startswith(prefixes) or not re.fullmatch(r"[a-z][a-z0-9_]*", node["name"]):
            yield node["name"]


@rule("{name} is not in models/LAYER/FOLDER/, where LAYER is staging, intermediate or marts: move it there.")
def misplaced_models(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        folders = PurePosixPath(node["original_file_path"]).parts
        if len(folders) != 4 or folders[1] not in LAYERS or node["schema"] != folders[1]:
            yield node["name"]


@rule("{name} is a mart: give each of its columns a `data_type` in its YAML, which dbt then enforces.")
def marts_without_a_contract(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) == "marts" and not (
            node["contract"]["enforced"] and all(column["data_type"] for column in node["columns"].values())
        ):
            yield node["name"]


@rule("{name} is money: let its name end in _with_tax or _without_tax, whichever it is.")
def money_without_tax_in_its_name(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        for column in node["columns"] if layer(node) == "marts" else ():
            is_money = _MONEY.search(column) and not _NO_MONEY.search(column)
            if is_money and not column.endswith(("_with_tax", "_without_tax")):
                yield f"{node['name']}.{column}"


@rule("{name} is not materialized like its layer: staging is views, marts are tables, so that no query waits long.")
def wrong_materializations(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        how = node["config"]["materialized"]
        if (layer(node) == "staging" and how != "view") or (layer(node) == "marts" and how == "view"):
            yield node["name"]


RULES = (
    misnamed_models,
    misplaced_models,
    marts_without_a_contract,
    money_without_tax_in_its_name,
    wrong_materializations,
)
