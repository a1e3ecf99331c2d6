"""Column lineage of events, found when they are sent and not while a run waits: everything it takes is in the event."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from vending_platform.environment import Environment
from vending_platform.lineage.columns import Influence, KeptStatements, StatementLineage
from vending_platform.lineage.columns.names import Influences
from vending_platform.lineage.events.facets import facet
from vending_platform.lineage.outbox import WaitingEvent
from vending_platform.warehouse import kind_of

_MARK = '"sql":{'
"""Only an event with a statement is parsed."""


def with_column_lineage(environment: Environment) -> Callable[[Sequence[WaitingEvent]], Sequence[WaitingEvent]]:
    """Adds the facet to the outputs of what ran a statement."""
    kept = KeptStatements(environment.scratch / "lineage" / "statements", kind_of(environment.warehouse).name)

    def completed(events: Sequence[WaitingEvent]) -> Sequence[WaitingEvent]:
        return [_completed(event, kept) if _MARK in event.body else event for event in events]

    return completed


def columns_facet(columns: Mapping[str, Iterator[dict[str, Any]]], rows: Iterator[dict[str, Any]]) -> Mapping[str, Any]:
    """`columns` has per output column its input fields, `rows` those that decide on the whole dataset."""
    fields = {name: {"inputFields": list(found)} for name, found in columns.items()}
    dataset = list(rows)
    return facet("columnLineage", {"fields": fields, "dataset": dataset or None})


def input_field(
    namespace: str, name: str, column: str, how: Set[Influence], *, is_masked: bool = False
) -> dict[str, Any]:
    kinds = sorted(how, key=list(Influence).index)
    return {
        "namespace": namespace,
        "name": name,
        "field": column,
        "transformations": [
            {"type": "DIRECT" if one.is_direct else "INDIRECT", "subtype": one.value, "masking": is_masked}
            for one in kinds
        ],
    }


def _completed(event: WaitingEvent, kept: KeptStatements) -> WaitingEvent:
    from sqlglot.errors import SqlglotError

    content = json.loads(event.body)
    sql = content["job"]["facets"].get("sql")
    if sql is None or not content["outputs"]:
        return event
    named = {_table(one["name"]): one for one in content["inputs"]}
    tables: dict[str, dict[str, list[str]]] = {}
    for (schema, table), one in named.items():
        fields = one.get("facets", {}).get("schema", {}).get("fields", [])
        tables.setdefault(schema, {})[table] = [field["name"].lower() for field in fields]
    try:
        found = kept.lineage(sql["query"], tables)
    except SqlglotError:  # what it can't read has no column lineage, and is reported all the same
        return event
    (output,) = content["outputs"]
    output["facets"]["columnLineage"] = _facet(found, output, named)
    return replace(event, body=json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def _facet(
    found: StatementLineage, output: Mapping[str, Any], named: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Mapping[str, Any]:
    shown = {field["name"].lower(): field["name"] for field in output["facets"].get("schema", {}).get("fields", [])}

    def fields(influences: Influences) -> Iterator[dict[str, Any]]:
        for column, how in influences.items():
            if (table := named.get((column.schema, column.table))) is not None:
                declared = table.get("facets", {}).get("schema", {}).get("fields", [])
                name = next((one["name"] for one in declared if one["name"].lower() == column.name), column.name)
                yield input_field(table["namespace"], table["name"], name, how)

    return columns_facet({shown.get(name, name): fields(of) for name, of in found.columns.items()}, fields(found.rows))


def _table(name: str) -> tuple[str, str]:
    """Schema and name, of a dataset's name."""
    _, schema, table = name.lower().rsplit(".", 2)
    return schema, table
