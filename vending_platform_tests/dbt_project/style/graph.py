"""Rules about what is built from what."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from vending_platform_tests.dbt_project.style.rule import Manifest, layer, models, parents, rule


@rule("More than one model reads the source {name}: let one staging model read it, and the others that one.")
def sources_used_twice(manifest: Manifest) -> Iterator[str]:
    used = Counter(
        source["unique_id"]
        for node in models(manifest)
        for source in parents(manifest, node)
        if source["resource_type"] == "source"
    )
    yield from (manifest["sources"][name]["name"] for name, times in used.items() if times > 1)


@rule("No model reads the source {name} yet: its files are loaded, and no mart contains them.", is_warning=True)
def unused_sources(manifest: Manifest) -> Iterator[str]:
    used = {name for node in models(manifest) for name in node["depends_on"]["nodes"]}
    yield from (source["name"] for name, source in manifest["sources"].items() if name not in used)


@rule("{name} reads a source: that is for a staging model, stg_SOURCE__TABLE, which it can read by ref().")
def sources_read_outside_staging(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) != "staging" and any(read["resource_type"] == "source" for read in parents(manifest, node)):
            yield node["name"]


@rule("{name} is staging, and so reads one source and nothing else: put joins into an int_ model.")
def staging_with_other_inputs(manifest: Manifest) -> Iterator[str]:
    """One source each, or a base model of it. Base models also decide which version of a file counts, and which row."""
    for node in models(manifest):
        if layer(node) != "staging":
            continue
        read = _delivered(manifest, node)
        if len(read) != 1 or any(name not in manifest["sources"] for name in read):
            yield node["name"]


def _delivered(manifest: Manifest, node: Mapping[str, Any]) -> set[str]:
    """What a staging model reads, itself or by a base model of its own domain; those of others only help to choose."""
    found: set[str] = set()
    for parent in parents(manifest, node):
        if not parent["name"].startswith("base_"):
            found.add(parent["unique_id"])
        elif parent["fqn"][2] == node["fqn"][2]:
            found |= _delivered(manifest, parent)
    return found


@rule("{name}: a model of a lower layer reads no mart; let both read a shared model.")
def marts_read_by_lower_layers(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) == "staging" and any(layer(read) == "marts" for read in parents(manifest, node)):
            yield node["name"]
        if layer(node) == "intermediate":
            read = [parent["name"] for parent in parents(manifest, node) if layer(parent) == "marts"]
            yield from (f"{node['name']} < {name}" for name in read)


@rule("{name} is a mart and reads staging: put what joins, filters or adds up into an int_ model, and read that.")
def staging_read_by_marts(manifest: Manifest) -> Iterator[str]:
    for node in models(manifest):
        if layer(node) == "marts" and any(layer(read) == "staging" for read in parents(manifest, node)):
            yield node["name"]


@rule(
    "No model and no export reads {name} yet: marts are for people, every other model is for a mart.",
    is_warning=True,
)
def unread_models(manifest: Manifest) -> Iterator[str]:
    readers = [*models(manifest), *manifest["exposures"].values()]
    read = {name for node in readers for name in node["depends_on"]["nodes"]}
    yield from (node["name"] for node in models(manifest) if layer(node) != "marts" and node["unique_id"] not in read)


@rule("{name} is built from nothing: read sources by source() and models by ref().")
def models_without_parents(manifest: Manifest) -> Iterator[str]:
    yield from (node["name"] for node in models(manifest) if not parents(manifest, node))


@rule("The exposure {name} is not of marts: let it depend on ref() of a mart.")
def exposures_of_other_layers(manifest: Manifest) -> Iterator[str]:
    for exposure in manifest["exposures"].values():
        if not (read := parents(manifest, exposure)) or any(layer(node) != "marts" for node in read):
            yield exposure["name"]


@rule(
    "{name} is not exported as Parquet yet: declare an export {name}_parquet with `format: parquet`, as"
    " docs/exports.md explains.",
    is_warning=True,
)
def marts_without_parquet(manifest: Manifest) -> Iterator[str]:
    exported = {
        name
        for exposure in manifest["exposures"].values()
        if exposure["config"]["meta"].get("export", {}).get("format") == "parquet"
        for name in exposure["depends_on"]["nodes"]
    }
    for node in models(manifest):
        is_kept = node["config"]["materialized"] != "view"
        if layer(node) == "marts" and is_kept and node["unique_id"] not in exported:
            yield node["name"]


RULES = (
    sources_used_twice,
    unused_sources,
    sources_read_outside_staging,
    staging_with_other_inputs,
    marts_read_by_lower_layers,
    staging_read_by_marts,
    unread_models,
    models_without_parents,
    exposures_of_other_layers,
    marts_without_parquet,
)
