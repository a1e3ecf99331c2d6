"""The transformations that the dbt project declares, as far as it matters when to run them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import Any


class Reach(StrEnum):
    """Which of a model's days a changed raw day reaches."""

    SAME_DAY = "same_day"
    MONTH = "month"
    """Every day of that month."""
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Model:
    """A dbt model. `sources` and `rests_on` are the delivered tables and the models that it is built from, also those
    that are behind others."""

    name: str
    schema_name: str
    unique_id: str
    materialized: str
    reach: Reach
    sources: frozenset[str]
    rests_on: frozenset[str] = frozenset()
    code: str = ""
    """A hash over all that decides what its SQL says."""

    @property
    def is_daily(self) -> bool:
        """Whether it is built for one business day after the other; else it is built as a whole."""
        return self.materialized == "incremental"

    @property
    def is_view(self) -> bool:
        return self.materialized == "view"


def models_of(manifest: dict[str, Any]) -> Iterator[Model | str]:
    """Every model after those that it is built from; or in its place what is wrong with it."""
    macros = _macros(manifest)
    codes: dict[str, str] = {}
    for node in _in_order(manifest.get("nodes", {})):
        if node["resource_type"] != "model":
            continue
        materialized = node["config"]["materialized"]
        code = codes[node["unique_id"]] = _code(node, macros, codes, manifest)
        said = node["config"]["meta"].get("reach")
        where = f"{node['original_file_path']}: model {node['name']}"
        if said is None and materialized == "incremental":
            yield f"{where}: an incremental model must say its config.meta.reach; allowed: {', '.join(Reach)}"
            continue
        if said is not None and said not in list(Reach):
            yield f"{where}: unknown reach {said!r}; allowed: {', '.join(Reach)}"
            continue
        yield Model(
            name=node["name"],
            schema_name=node["schema"],
            unique_id=node["unique_id"],
            materialized=materialized,
            reach=Reach(said or Reach.EVERYTHING),
            sources=frozenset(_sources(node["unique_id"], manifest)),
            rests_on=frozenset(_models_behind(node, manifest)),
            code=code,
        )


def _macros(manifest: dict[str, Any]) -> str:
    """The project's own macros: which of them a model calls can't be told, as dbt chooses some by the warehouse."""
    own = manifest.get("metadata", {}).get("project_name")
    texts = [
        macro["macro_sql"] for _, macro in sorted(manifest.get("macros", {}).items()) if macro["package_name"] == own
    ]
    return _hash(texts)


def _code(node: dict[str, Any], macros: str, codes: dict[str, str], manifest: dict[str, Any]) -> str:
    """A view is part of the code of what reads it: it has no rows of its own."""
    parents = sorted(node.get("depends_on", {}).get("nodes", ()))
    views = [
        codes[parent]
        for parent in parents
        if manifest["nodes"].get(parent, {}).get("config", {}).get("materialized") == "view"
    ]
    columns = {name: column.get("data_type") for name, column in node.get("columns", {}).items()}
    declared = json.dumps([node.get("unrendered_config", {}), columns], sort_keys=True)
    return _hash([node.get("checksum", {}).get("checksum", ""), declared, macros, *views])


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _in_order(nodes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    parents = {name: sorted(nodes[name].get("depends_on", {}).get("nodes", ())) for name in sorted(nodes)}
    return (nodes[name] for name in TopologicalSorter(parents).static_order() if name in nodes)


def _models_behind(node: dict[str, Any], manifest: dict[str, Any]) -> Iterator[str]:
    for parent in node.get("depends_on", {}).get("nodes", ()):
        behind = manifest["nodes"].get(parent)
        if behind is not None and behind["resource_type"] == "model":
            yield behind["name"]
            yield from _models_behind(behind, manifest)


def _sources(unique_id: str, manifest: dict[str, Any]) -> Iterator[str]:
    if unique_id in manifest["sources"]:
        declared = manifest["sources"][unique_id]
        if "files" in declared["config"]["meta"]:
            yield declared["identifier"]
        return
    for parent in manifest["nodes"].get(unique_id, {}).get("depends_on", {}).get("nodes", ()):
        yield from _sources(parent, manifest)
