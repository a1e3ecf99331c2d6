"""The transformations that the dbt project declares, as far as it matters when to run them."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from vending_platform.catalog.code import code_of, parts_of_all
from vending_platform.catalog.grain import Grain
from vending_platform.catalog.provenance import Provenance, read_provenance
from vending_platform.catalog.reach import ALLOWED, EVERYTHING, SAME_DAY, Days, Reach, Way, read_reach


@dataclass(frozen=True)
class Model:
    """A dbt model or seed. `sources` and `rests_on` are the delivered tables and the models that it is built from, also
    those that are behind others."""

    name: str
    schema_name: str
    unique_id: str
    materialized: str
    reach: Reach
    sources: frozenset[str]
    rests_on: frozenset[str] = frozenset()
    code: str = ""
    """A hash over `parts`."""
    parts: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    """All code that decides its rows, its own and that of what it is built from; see `catalog/code.py`."""
    ways: tuple[tuple[str, Way], ...] = ()
    """The ways from it to each of its sources; a source without one is read by its own reach alone."""
    inputs: tuple[str, ...] = field(default=(), compare=False)
    """The unique ids of what it reads itself: models, seeds and sources."""
    columns: tuple[str, ...] = field(default=(), compare=False)
    personal: frozenset[str] = field(default=frozenset(), compare=False)
    """Those of its columns that the project marks as personal."""
    grain: Grain = field(default=Grain.DAY, compare=False)
    """Whether it is built for days or for months: for months where all that it is built from comes by the month."""
    provenance: Provenance | None = field(default=None, compare=False)
    """Which rows of its inputs a row rests on, where it says so."""

    @property
    def is_dated(self) -> bool:
        """Whether it is built for one business day or month after the other; else it is built as a whole."""
        return self.materialized == "incremental"

    @property
    def is_view(self) -> bool:
        return self.materialized == "view"

    @property
    def is_seed(self) -> bool:
        return self.materialized == "seed"

    @property
    def files_of(self) -> frozenset[str]:
        """The sources whose files it rests on, by their rows or by what became of them."""
        told = self.reach.deliveries_of
        return self.sources if told is None else self.sources | {told}

    @cached_property
    def footing(self) -> str:
        """All that decides which raw content a day of it rests on: models that agree in this rest on the same."""
        return repr((sorted(self.sources), self.ways, self.reach))

    @cached_property
    def _readings(self) -> dict[str, str]:
        return {source: repr(self.ways_to(source)) for source in self.sources}

    def reading_of(self, source: str) -> str:
        """All that decides which days of a source a day of it rests on."""
        return self._readings[source]

    def raw_days(self, source: str, first: date, last: date) -> Days:
        """The days of a source that its days from `first` to `last` rest on."""
        return _around(way.covered(first, last) for way in self.ways_to(source))

    def days_reached(self, source: str, first: date, last: date) -> Days:
        """Its days that rest on any of these days of a source."""
        return _around(way.reached(first, last) for way in self.ways_to(source))

    def ways_to(self, source: str) -> list[Way]:
        return [way for name, way in self.ways if name == source] or [Way((self.reach,))]


def _around(spans: Iterable[Days]) -> Days:
    firsts, lasts = zip(*spans, strict=True)
    return min(firsts), max(lasts)


def models_of(manifest: dict[str, Any]) -> Iterator[Model | str]:
    """Every model and seed after those that it is built from; or in its place what is wrong with it."""
    parts: dict[str, dict[str, str]] = manifest.get("code") or parts_of_all(manifest)
    ways: dict[str, frozenset[tuple[str, Way]]] = _to_themselves(manifest)
    for node in _in_order(manifest.get("nodes", {})):
        if node["resource_type"] not in ("model", "seed"):
            continue
        name, materialized = node["unique_id"], node["config"]["materialized"]
        said = node["config"]["meta"].get("reach")
        where = f"{node['original_file_path']}: {node['resource_type']} {node['name']}"
        if said is None and materialized == "incremental":
            yield f"{where}: an incremental model must say its config.meta.reach; {ALLOWED}"
            continue
        reach = SAME_DAY if materialized == "view" else EVERYTHING
        if said is not None:
            try:
                reach = read_reach(said)
            except ValueError as error:
                yield f"{where}: {error}"
                continue
        if wrong := _wrong_deliveries(reach, materialized, manifest):
            yield f"{where}: {wrong}"
            continue
        columns = node.get("columns") or {}
        try:
            provenance = _provenance(node, columns, manifest)
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        ways[name] = _as_few(
            (source, way.begun_with(reach)) for parent in _parents(node) for source, way in ways.get(parent, ())
        )
        if wrong := _without_days(reach, materialized, {source for source, _ in ways[name]}, manifest):
            yield f"{where}: {wrong}"
            continue
        grain = _grain(reach, {source for source, _ in ways[name]}, manifest)
        if wrong := _wrong_months(grain, reach, materialized):
            yield f"{where}: {wrong}"
            continue
        behind = [other for other in _behind(node, manifest) if other["resource_type"] in ("model", "seed")]
        of_all = {part: text for other in (*behind, node) for part, text in parts[other["unique_id"]].items()}
        yield Model(
            name=node["name"],
            schema_name=node["schema"],
            unique_id=name,
            materialized=materialized,
            reach=reach,
            sources=frozenset(source for source, _ in ways[name]),
            rests_on=frozenset(other["name"] for other in behind),
            code=code_of(of_all),
            parts=tuple(sorted(of_all.items())),
            ways=tuple(sorted(ways[name], key=str)),
            inputs=tuple(_parents(node)),
            columns=tuple(columns),
            personal=frozenset(column for column, about in columns.items() if _is_personal(about)),
            grain=grain,
            provenance=provenance,
        )


def _grain(reach: Reach, sources: Set[str], manifest: Mapping[str, Any]) -> Grain:
    """For months, if everything that has periods at all among what it is built from comes by the month."""
    names = {*sources, *([reach.deliveries_of] if reach.deliveries_of is not None else [])}
    grains = set()
    for declared in manifest["sources"].values():
        files = declared["config"]["meta"].get("files")
        if declared["identifier"] in names and isinstance(files, dict):
            is_monthly = files.get("delivery") == "monthly" or files.get("grain") == "month"
            is_dated = files.get("delivery") in ("daily", "monthly") or files.get("day_column")
            grains |= {Grain.MONTH if is_monthly else Grain.DAY} if is_dated else set()
    return Grain.MONTH if grains == {Grain.MONTH} else Grain.DAY


def _wrong_months(grain: Grain, reach: Reach, materialized: str) -> str | None:
    is_of_months = reach.whole_months or reach.is_everything or reach.deliveries_of is not None
    if materialized != "incremental" or grain is Grain.DAY or is_of_months:
        return None
    return (
        "what it is built from comes by the month, so it is built by the month: its config.meta.reach is month, or"
        " months_before and months_after"
    )


def _provenance(node: dict[str, Any], columns: Iterable[str], manifest: dict[str, Any]) -> Provenance | None:
    said = node["config"]["meta"].get("provenance")
    if said is None:
        return None
    declared = (manifest["nodes"].get(parent) or manifest["sources"].get(parent) or {} for parent in _parents(node))
    names = [str(one.get("identifier") or one["name"]) for one in declared if one]
    return read_provenance(said, columns, names)


def _is_personal(column: dict[str, Any]) -> bool:
    meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
    return bool(meta.get("personal"))


def _wrong_deliveries(reach: Reach, materialized: str, manifest: dict[str, Any]) -> str | None:
    if reach.deliveries_of is None:
        return None
    if materialized != "incremental":
        return "a reach with deliveries_of is for an incremental model"
    daily = sorted(
        declared["identifier"]
        for declared in manifest["sources"].values()
        if isinstance(files := declared["config"]["meta"].get("files"), dict)
        and files.get("delivery") in ("daily", "monthly")
    )
    if reach.deliveries_of not in daily:
        there_are = ", ".join(daily)
        return f"deliveries_of {reach.deliveries_of!r}, which is not a daily or monthly source; there are: {there_are}"
    return None


def _without_days(reach: Reach, materialized: str, sources: Set[str], manifest: Mapping[str, Any]) -> str | None:
    """Why an incremental model would never be built: there is no day to build it for."""
    if materialized != "incremental" or reach.deliveries_of is not None:
        return None
    why = []
    for declared in manifest["sources"].values():
        files = declared["config"]["meta"].get("files")
        if declared["identifier"] not in sources or not isinstance(files, dict):
            continue
        if files.get("delivery") in ("daily", "monthly") or files.get("day_column"):
            return None
        is_append = files.get("delivery") == "append"
        why.append(f"{declared['identifier']} {'says no day_column' if is_append else 'is a snapshot'}")
    none_has = f"none of its sources has days ({', '.join(sorted(why))})" if why else "it reads no source"
    return (
        f"an incremental model is built by business day, and {none_has}:"
        " materialize it as a table, or give an append source its day_column"
    )


def _to_themselves(manifest: dict[str, Any]) -> dict[str, frozenset[tuple[str, Way]]]:
    return {
        name: frozenset({(declared["identifier"], Way())})
        for name, declared in manifest["sources"].items()
        if "files" in declared["config"]["meta"]
    }


def _as_few(ways: Iterable[tuple[str, Way]]) -> frozenset[tuple[str, Way]]:
    """The same ways, those merged that can be: then many models have the same."""
    plain: dict[str, Way] = {}
    others = set()
    for source, way in ways:
        merged = way.merged_with(plain.get(source, way))
        if merged is None:
            others.add((source, way))
        else:
            plain[source] = merged
    return frozenset(plain.items()) | others


def _in_order(nodes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    parents = {name: _parents(nodes[name]) for name in sorted(nodes)}
    return (nodes[name] for name in TopologicalSorter(parents).static_order() if name in nodes)


def _parents(node: dict[str, Any]) -> list[str]:
    return sorted(node.get("depends_on", {}).get("nodes", ()))


def _behind(node: dict[str, Any], manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node that this one is built from, also those behind others, each once."""
    found: dict[str, dict[str, Any]] = {}
    left = _parents(node)
    while left:
        parent = left.pop()
        if parent in manifest["nodes"] and parent not in found:
            found[parent] = manifest["nodes"][parent]
            left += _parents(found[parent])
    return list(found.values())
