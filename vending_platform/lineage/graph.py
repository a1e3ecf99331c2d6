"""What a table or a column comes from, and what depends on it: through a whole project, from the delivered files to the
exports. It asks no warehouse."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from vending_platform.analysis import DEFAULT_SCHEMA, Pipeline
from vending_platform.catalog import Catalog, Extract, ExtractTable
from vending_platform.environment import Environment
from vending_platform.errors import ConfigurationError
from vending_platform.lineage.columns import Influence, StatementLineage, project_lineage
from vending_platform.warehouse import kind_of

EXPORTS, FILES, SYSTEMS = "exports", "files", "systems"
"""The schemas, so to say, of what is not in the warehouse."""


class WrongName(ConfigurationError):
    """No table or column is called so; the message has those that there are."""


class Direction(StrEnum):
    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class Point(NamedTuple):
    """A table or an export, or one column of it."""

    schema: str
    table: str
    column: str | None = None

    def __str__(self) -> str:
        return ".".join(part for part in self if part is not None)


@dataclass(frozen=True)
class Step:
    """One point on the way, and how many steps away it is; `how` says what it has to do with the point before."""

    point: Point
    distance: int
    before: Point
    how: tuple[Influence, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: value for name, value in self.point._asdict().items() if value is not None},
            "distance": self.distance,
            "of": str(self.before),
            "how": [one.value for one in self.how],
        }


Edges = Mapping[Point, Mapping[Point, tuple[Influence, ...]]]


@dataclass(frozen=True)
class LineageGraph:
    """Of one project. Edges lead from what is made to what it is made of."""

    tables: Edges
    columns: Edges
    declared: Mapping[Point, tuple[str, ...]] = field(default_factory=dict)
    """The columns of each table."""
    unknown: frozenset[Point] = frozenset()
    """Tables whose SQL was never compiled, or can't be read."""

    def walk(self, start: Point, direction: Direction, *, indirect: bool = True) -> Iterator[Step]:
        """Each point once, below the one that leads to it; of a column only columns, and unless `indirect` only those
        that give values."""
        edges = self.tables if start.column is None else self.columns
        if direction is Direction.DOWNSTREAM:
            edges = self._turned_columns if start.column is not None else self._turned_tables
        yield from _below(start, edges, {start}, 1, indirect)

    def find(self, name: str) -> Point:
        """A table or column by its name: with its schema or, where one table is called so, without."""
        parts = name.lower().split(".")
        for size in (1, 2):
            for point in self._tables_called(parts[:size]):
                rest = parts[size:]
                if not rest:
                    return point
                if len(rest) == 1 and rest[0] in self.declared.get(point, ()):
                    return Point(point.schema, point.table, rest[0])
        for size in (2, 1):
            for point in self._tables_called(parts[:size]):
                column, there = ".".join(parts[size:]), ", ".join(self.declared[point])
                raise WrongName(f"{point} has no column {column!r}; it has: {there}")
        near = get_close_matches(name, [text for point in self.declared for text in (str(point), point.table)], n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "vending lineage export lists them."
        raise WrongName(f"no table and no export is called {name!r}; {hint}")

    def _tables_called(self, parts: list[str]) -> list[Point]:
        """The files of a delivery are called as its table is, and are found with their schema only, as systems are."""
        return [
            point
            for point in self.declared
            if parts == [point.schema, point.table] or (parts == [point.table] and point.schema not in (FILES, SYSTEMS))
        ]

    @cached_property
    def _turned_tables(self) -> Edges:
        return _turned(self.tables)

    @cached_property
    def _turned_columns(self) -> Edges:
        return _turned(self.columns)

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON, for a page that draws it."""
        return {
            "tables": [{"name": str(point), "columns": list(names)} for point, names in sorted(self.declared.items())],
            "edges": [
                {"from": str(source), "to": str(made), "how": [one.value for one in how]}
                for edges in (self.tables, self.columns)
                for made, sources in sorted(edges.items())
                for source, how in sorted(sources.items())
            ],
        }


def lineage_graph(
    environment: Environment, manifest: Mapping[str, Any], catalog: Catalog, pipelines: Iterable[Pipeline] = ()
) -> LineageGraph:
    """By the manifest, the SQL that dbt compiled for the last builds, and the signatures of functions; of systems and
    of functions only tables are known."""
    compiled: Path = environment.scratch / "dbt" / "compiled"
    known = project_lineage(manifest, compiled, environment.scratch / "lineage", kind_of(environment.warehouse).name)
    points = {
        name: Point(declared["schema"], declared.get("identifier") or declared["name"])
        for name, declared in {**manifest["sources"], **manifest["nodes"]}.items()
        if declared["resource_type"] in ("source", "model", "seed")
    }
    tables: dict[Point, dict[Point, tuple[Influence, ...]]] = {}
    columns: dict[Point, dict[Point, tuple[Influence, ...]]] = {}
    declared: dict[Point, tuple[str, ...]] = {}
    unknown = set()
    for name, point in points.items():
        node = manifest["sources"].get(name) or manifest["nodes"][name]
        found = known.get(name)
        declared[point] = tuple(node["columns"]) if found is None else tuple(found.columns)
        tables[point] = {points[one]: () for one in manifest["parent_map"].get(name, ()) if one in points}
        if found is not None:
            columns |= _of_statement(point, found)
        elif node["resource_type"] == "model":
            unknown.add(point)
    for source in catalog:
        point, files = Point("raw", source.name), Point(FILES, source.name)
        declared[files] = tuple(column.name for column in source.columns)
        tables.setdefault(point, {})[files] = ()
        if source.extract is not None:
            system = Point(SYSTEMS, _within_system(source.extract, source.name))
            declared[system] = ()
            tables[files] = {system: ()}
        columns |= {
            Point(*point[:2], name): {Point(FILES, source.name, name): (Influence.IDENTITY,)}
            for name in declared[files]
        }
    for export in catalog.exports:
        mart, point = Point(export.schema_name, export.model), Point(EXPORTS, export.name)
        titles = {column.name: column.title for column in export.columns}
        tables[point] = {mart: ()}
        leaving = export.leaving(declared[mart])
        declared[point] = tuple(titles.get(name, name) for name in leaving)
        for name in leaving:
            how = Influence.TRANSFORMATION if name in export.mask else Influence.IDENTITY
            columns[Point(*point[:2], titles.get(name, name))] = {Point(*mart[:2], name): (how,)}
    for pipeline in pipelines:
        _add_functions(tables, declared, pipeline, {point.table: point for point in points.values()})
    return LineageGraph(tables, columns, declared, frozenset(unknown))


def _within_system(extract: Extract, source: str) -> str:
    return f"{extract.system.name}/{extract.table if isinstance(extract, ExtractTable) else source}"


def _add_functions(
    tables: dict[Point, dict[Point, tuple[Influence, ...]]],
    declared: dict[Point, tuple[str, ...]],
    pipeline: Pipeline,
    models: Mapping[str, Point],
) -> None:
    """Each result is a table, and, where it comes back as a delivery, what the files of that are made of."""

    def point_of(name: str) -> Point:
        return models.get(name) or Point(pipeline.schema_of(name) if name in pipeline.results else DEFAULT_SCHEMA, name)

    for name in pipeline.results:
        taken = [one for one in pipeline.kept_behind(name) if not pipeline.is_history(one)]
        tables[point_of(name)] = {point_of(one): () for one in taken}
        declared.setdefault(point_of(name), ())
        if name in pipeline.delivered:
            tables.setdefault(Point(FILES, pipeline.delivered[name]), {})[point_of(name)] = ()


def _of_statement(point: Point, found: StatementLineage) -> dict[Point, dict[Point, tuple[Influence, ...]]]:
    """What decides on the rows of a table decides on each of its columns."""
    edges = {}
    for name, made_of in found.columns.items():
        how: dict[Point, set[Influence]] = {}
        for influences in (made_of, found.rows):
            for one, kinds in influences.items():
                how.setdefault(Point(*one), set()).update(kinds)
        edges[Point(*point[:2], name)] = {one: _ordered(kinds) for one, kinds in how.items()}
    return edges


def _ordered(kinds: set[Influence]) -> tuple[Influence, ...]:
    return tuple(one for one in Influence if one in kinds)


def _below(point: Point, edges: Edges, seen: set[Point], distance: int, indirect: bool) -> Iterator[Step]:
    for other, how in sorted(edges.get(point, {}).items()):
        if other in seen or not (indirect or not how or any(one.is_direct for one in how)):
            continue
        seen.add(other)
        yield Step(other, distance, point, how)
        yield from _below(other, edges, seen, distance + 1, indirect)


def _turned(edges: Edges) -> Edges:
    turned: dict[Point, dict[Point, tuple[Influence, ...]]] = {}
    for made, sources in edges.items():
        for source, how in sources.items():
            turned.setdefault(source, {})[made] = how
    return turned
