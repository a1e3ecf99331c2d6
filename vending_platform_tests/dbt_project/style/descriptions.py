"""Rules about what is written down."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from vending_platform_tests.dbt_project.style.rule import Manifest, models, rule


@rule("{name} has no description: describe in the YAML beside it what one row is.")
def undescribed_models(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in models(manifest) if not node["description"].strip())


@rule("{name} lists no columns: list them in the YAML beside it, each with a description.")
def models_without_columns(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in models(manifest) if not node["columns"])


@rule("{name} has no description: describe in its model's YAML what the column contains.")
def undescribed_columns(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        yield from _undescribed_columns(node)


@rule("The source {name} has no description: describe in its YAML what one row of its files is.")
def undescribed_sources(manifest: Manifest) -> Iterator[str]:
    yield from (source["name"] for source in manifest["sources"].values() if not source["description"].strip())


@rule("{name} has no description: describe beside `name: {name}`, above its `tables`, who delivers them.")
def undescribed_groups_of_sources(manifest: Manifest) -> Iterator[str]:
    for source in manifest["sources"].values():
        if not source["source_description"].strip():
            yield source["source_name"]


@rule("The source {name} lists no columns: list those of its files.")
def sources_without_columns(manifest: Manifest) -> Iterator[str]:
    yield from (source["name"] for source in manifest["sources"].values() if not source["columns"])


@rule("{name} has no description: describe in its source's YAML what the column contains.")
def undescribed_columns_of_sources(manifest: Manifest) -> Iterator[str]:
    for source in manifest["sources"].values():
        yield from _undescribed_columns(source)


@rule("{name} has no description: describe in the exposure for whom it is and what it contains.")
def undescribed_exposures(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in manifest["exposures"].values() if not node["description"].strip())


@rule("{name} has no description: describe in the YAML beside it what it is for.")
def undescribed_seeds_tests_and_groups(manifest: Manifest) -> Iterator[str]:
    yield from (group["name"] for group in manifest["groups"].values() if not group["description"].strip())
    for node in manifest["nodes"].values():
        is_singular = node["resource_type"] == "test" and not node.get("test_metadata")
        if (node["resource_type"] == "seed" or is_singular) and not node["description"].strip():
            yield node["name"]
        if node["resource_type"] == "seed":
            yield from _undescribed_columns(node)


@rule("No YAML describes {name}: describe it under `models:` in a YAML file in its folder.")
def models_without_a_yml(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in models(manifest) if not node["patch_path"])


@rule("{name} is described in another folder than its own: put its YAML beside its SQL.")
def ymls_of_another_folder(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        described_in = PurePosixPath((node["patch_path"] or "").split("://")[-1]).parent
        if node["patch_path"] and described_in != PurePosixPath(node["original_file_path"]).parent:
            yield node["name"]


@rule(
    "{name} is not described: add the macro with all its arguments, in their order, to dbt_project/macros/_macros.yml."
)
def undescribed_macros(manifest: Manifest) -> Iterator[str]:
    for macro in manifest["macros"].values():
        is_variant = re.match("(default|duckdb|redshift|snowflake)__", macro["name"])
        if macro["package_name"] != "vending" or is_variant:
            continue
        signature = re.match(r"\{%-?\s*(?:macro|test)\s+\w+\((.*?)\)\s*-?%\}", macro["macro_sql"], re.DOTALL)
        names = [one.split("=")[0].strip() for one in signature[1].split(",")] if signature and signature[1] else []
        described = [one["name"] for one in macro["arguments"] if one["description"].strip()]
        if not macro["description"].strip() or names != described:
            yield macro["name"]


def _undescribed_columns(node: dict[str, Any]) -> Iterator[str]:
    for column in node["columns"].values():
        if not column["description"].strip():
            yield f"{node['name']}.{column['name']}"


RULES = (
    undescribed_models,
    models_without_columns,
    undescribed_columns,
    undescribed_sources,
    undescribed_groups_of_sources,
    sources_without_columns,
    undescribed_columns_of_sources,
    undescribed_exposures,
    undescribed_seeds_tests_and_groups,
    models_without_a_yml,
    ymls_of_another_folder,
    undescribed_macros,
)
