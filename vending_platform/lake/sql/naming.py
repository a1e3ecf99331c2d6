"""Which tables of the lake a query names; anything but one SELECT is refused."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from vending_platform.lake.errors import LakeError
from vending_platform.lake.opening import Lake
from vending_platform.warehouse import TableName


def tables_in(lake: Lake, sql: str) -> list[TableName]:
    """Those that it names, as DuckDB itself understands it."""
    with duckdb.connect() as connection:
        (text_of_tree,) = connection.execute("select json_serialize_sql($1)", [sql]).fetchone() or ("{}",)
    tree = json.loads(text_of_tree)
    if tree["error"] and tree["error_type"] != "not implemented":
        raise LakeError(f"the query can't be understood: {tree['error_message']}")
    if tree["error"] or len(tree["statements"]) != 1:
        raise LakeError("only one SELECT can be run: tables of the lake are changed by exports and mirrors alone")
    return sorted({_resolved(lake, *written) for written in _named_in(tree, frozenset())}, key=str)


def _named_in(node: Any, with_names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Namespace and name of every table below a node of DuckDB's tree, but of what a WITH around it has named."""
    if isinstance(node, list):
        for below in node:
            yield from _named_in(below, with_names)
    if not isinstance(node, dict):
        return
    with_names |= {entry["key"].lower() for entry in (node.get("cte_map") or {}).get("map", ())}
    if node.get("type") == "BASE_TABLE":
        namespace, name = node["schema_name"].lower(), node["table_name"].lower()
        if namespace or name not in with_names:
            yield namespace, name
    for below in node.values():
        yield from _named_in(below, with_names)


def _resolved(lake: Lake, namespace: str, name: str) -> TableName:
    """The namespace may be left out where only one has such a table."""
    if namespace:
        return TableName(namespace, name)
    fitting = [table for table in lake.tables() if table.name == name]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(table.plain for table in fitting or lake.tables()) or "none yet"
    raise LakeError(f"{name!r} is not one table of the lake: write its namespace too; there are: {known}")
