"""The code of a model, part by part: all of the project that decides which rows it has, and nothing else.

- the SQL of the model and of every model that it is built from, without comments and layout;
- the macros that these use, and those that they use; of a macro that is chosen by the warehouse every variant, so that
  the code is the same everywhere;
- the vars that any of these read;
- the seeds behind it;
- where its table lies, how it is built and the types of its columns, as far as a contract makes dbt see to them.

Descriptions, tests, tags, groups, grants and owners are no part of it; nor is how dbt itself writes a table.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vending_platform.catalog.sql_text import SqlText

Parts = Mapping[str, str]
"""By its name in words (`macro round_yen`), a hash of each part."""
_SAYS_NOTHING_OF_ROWS = {
    *("access", "alias", "anchors", "contract", "data_tests", "database", "description", "docs", "enabled", "grants"),
    *("group", "meta", "on_configuration_change", "on_schema_change", "persist_docs", "schema", "static_analysis"),
    *("tags", "tests", "version"),
}


def parts_of_all(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Of every model and seed, by its unique id, the parts of its own code, without that of what it is built from."""
    code = _Code(manifest)
    nodes = manifest.get("nodes", {}).items()
    return {name: code.parts_of(node) for name, node in nodes if node["resource_type"] in ("model", "seed")}


def how_it_is_read() -> str:
    """A hash that changes with the platform's own way of reading code: what was read in another way says nothing."""
    return hash_of((Path(__file__).with_name(name).read_text(encoding="utf-8")) for name in ("code.py", "sql_text.py"))


class _Code:
    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._macros: Mapping[str, Any] = manifest.get("macros", {})
        self._variables: Mapping[str, Any] = manifest.get("vars", {})
        self._project = manifest.get("metadata", {}).get("project_name")

    def parts_of(self, node: Mapping[str, Any]) -> dict[str, str]:
        from vending_platform.catalog.sql_text import read_sql  # and Jinja, needed only when the project has changed

        name = node["name"]
        if node["resource_type"] == "seed":
            content = node.get("checksum", {}).get("checksum", "")
            return {f"seed {name}": hash_of([content, _declared(node)])}
        texts = [read_sql(node.get("raw_code", ""))]
        parts = {f"SQL of {name}": hash_of([texts[0].words]), f"declaration of {name}": hash_of([_declared(node)])}
        for macro in self._used_by(node):
            texts.append(text := read_sql(macro["macro_sql"]))
            parts[f"macro {self._name_of(macro)}"] = hash_of([text.words])
        return parts | dict(self._read_by(texts, node.get("package_name")))

    def _used_by(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        left = list(node.get("depends_on", {}).get("macros", ()))
        seen: set[str] = set()
        while left:
            if (unique_id := left.pop()) in seen or unique_id not in self._macros:
                continue
            seen.add(unique_id)
            macro = self._macros[unique_id]
            yield macro
            left += macro.get("depends_on", {}).get("macros", ())
            left += self._variants.get(macro["name"].partition("__")[2], ())

    @cached_property
    def _variants(self) -> dict[str, list[str]]:
        """Of each macro that is chosen by the warehouse, those that it is chosen from."""
        found: dict[str, list[str]] = {}
        for unique_id, macro in self._macros.items():
            _, is_variant, chosen_as = macro["name"].partition("__")
            if is_variant:
                found.setdefault(chosen_as, []).append(unique_id)
        return found

    def _name_of(self, macro: Mapping[str, Any]) -> str:
        own = macro.get("package_name") == self._project
        return str(macro["name"]) if own else f"{macro.get('package_name')}.{macro['name']}"

    def _read_by(self, texts: Iterable["SqlText"], package: str | None) -> Iterator[tuple[str, str]]:
        """The vars, as dbt gives them to a model of this package."""
        own = self._variables.get(package) if package is not None else None
        given = {**self._variables, **(own if isinstance(own, dict) else {})}
        for text in texts:
            for name in given if text.reads_any_variable else text.variables:
                yield f"var {name}", hash_of([_json(given.get(name))])


def code_of(parts: Parts) -> str:
    """One short hash for all of it."""
    return hash_of([f"{name} {part}" for name, part in sorted(parts.items())])


def changed_parts(before: Parts, now: Parts) -> list[str]:
    """The names of those that are different, new or gone."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _declared(node: Mapping[str, Any]) -> str:
    config = node.get("config", {})
    said = {
        name: config.get(name, config.get(name.replace("_", "-")))
        for name in node.get("unrendered_config", {})
        if name not in _SAYS_NOTHING_OF_ROWS
    }
    types = {}
    if (config.get("contract") or {}).get("enforced"):
        types = {name: column.get("data_type") for name, column in node.get("columns", {}).items()}
    reach = (config.get("meta") or {}).get("reach")
    lies = [node.get("schema"), node.get("alias"), config.get("materialized")]
    return _json([lies, said, reach, types])


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def hash_of(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
