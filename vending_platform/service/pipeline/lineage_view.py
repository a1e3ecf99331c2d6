"""Column lineage along the whole way: what a column is made of, or what is made of it."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal

from vending_platform.lineage import ColumnRef, column_lineage
from vending_platform.opening import Platform
from vending_platform.service.pipeline.models import ColumnEdge, ColumnLineage, ColumnNode
from vending_platform.service.web import HttpProblem, not_found
from vending_platform.warehouse import kind_of

Direction = Literal["upstream", "downstream"]
Edges = Mapping[ColumnRef, list[ColumnRef]]


class LineageView:
    """Read once from the SQL that dbt compiled for the last build; for a thread, because that may take a second."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def columns(self, table: str, column: str, direction: Direction) -> ColumnLineage:
        upstream, downstream = self._edges
        if not upstream:
            raise HttpProblem(
                HTTPStatus.NOT_FOUND,
                "no-lineage",
                "there is no column lineage here: it comes from the SQL that a build leaves in this environment's"
                " scratch folder",
            )
        start = self._start(table, column)
        edges = upstream if direction == "upstream" else downstream
        found: dict[ColumnRef, None] = {start: None}
        arrows: list[ColumnEdge] = []
        for one in (queue := [start]):
            for other in edges.get(one, ()):
                source, target = (other, one) if direction == "upstream" else (one, other)
                arrows.append(ColumnEdge(source=_node(source), target=_node(target)))
                if other not in found:
                    found[other] = None
                    queue.append(other)
        return ColumnLineage(of=_node(start), direction=direction, columns=[_node(one) for one in found], edges=arrows)

    def _start(self, table: str, column: str) -> ColumnRef:
        schema, _, name = table.lower().rpartition(".")
        known = [one for edges in self._edges for one in edges if one.table == name and schema in ("", one.schema)]
        if not known:
            raise not_found(f"no table {table!r} has column lineage: give a model or a raw table, such as marts.NAME")
        if (start := next((one for one in known if one.name == column.lower()), None)) is None:
            names = ", ".join(sorted({one.name for one in known}))
            raise not_found(f"{table} has no column {column!r} with lineage; it has: {names}")
        return start

    @cached_property
    def _edges(self) -> tuple[Edges, Edges]:
        platform, scratch = self._platform, self._platform.environment.scratch
        dialect = kind_of(platform.environment.warehouse).name
        found = column_lineage(platform.manifest, scratch / "dbt" / "compiled", scratch / "lineage", dialect)
        upstream: dict[ColumnRef, list[ColumnRef]] = {}
        downstream: dict[ColumnRef, list[ColumnRef]] = defaultdict(list)
        for model, columns in found.items():
            node: Mapping[str, Any] = platform.manifest["nodes"][model]
            for name, behind in columns.items():
                target = ColumnRef(node["schema"], node["name"], name)
                upstream[target] = list(behind)
                for source in behind:
                    downstream[source].append(target)
        return upstream, dict(downstream)


def _node(column: ColumnRef) -> ColumnNode:
    return ColumnNode(schema_name=column.schema, table=column.table, column=column.name)
