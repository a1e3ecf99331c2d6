"""Maps, lists and sets as one text: the JSON that DynamoDB writes, in one form for one value.

The order of a map's keys and of a set's members means nothing to DynamoDB, so both are sorted. Numbers stay the texts
that they are in that JSON, so nothing is rounded.
"""

import json
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

_SETS = ("SS", "NS", "BS")
_NULL = "NULL"


def register(
    engine: duckdb.DuckDBPyConnection, name: str, function: Callable[[pa.Array], pa.Array], *, gives_nulls: bool = False
) -> None:
    """As a function of the engine from texts to texts. It only gets those that are not null, which most are, unless it
    gives nulls itself."""
    define: Any = engine.create_function  # its stubs know no functions over Arrow's arrays
    nulls = {"null_handling": "special"} if gives_nulls else {}
    define(name, function, ["VARCHAR"], "VARCHAR", type="arrow", **nulls)


def canonical(texts: pa.Array) -> pa.Array:
    """Each attribute value, given in DynamoDB's JSON, in the one form."""
    return pa.array([_written(json.loads(text)) for text in texts.to_pylist()], pa.string())


def rest_of(names: frozenset[str]) -> Callable[[pa.Array], pa.Array]:
    """Of whole items what is left without these attributes; one that is null is left too."""

    def rest(items: pa.Array) -> pa.Array:
        return pa.array([_rest(text, names) for text in items.to_pylist()], pa.string())

    return rest


def _rest(text: str | None, names: frozenset[str]) -> str | None:
    if text is None:
        return None
    left = {name: value for name, value in json.loads(text).items() if name not in names or _NULL in value}
    return _written({"M": left}, within="M") if left else None


def _written(value: dict[str, Any], within: str | None = None) -> str:
    ordered = _ordered(value)
    written = ordered[within] if within else ordered
    return json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _ordered(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, inner),) = value.items()
    match kind:
        case "M":
            return {kind: {key: _ordered(below) for key, below in inner.items()}}
        case "L":
            return {kind: [_ordered(below) for below in inner]}
        case _ if kind in _SETS:
            return {kind: sorted(inner)}
    return value
