"""The models' rows on the evening of a day, in a moment: their own compiled SQL, without dbt around it.

dbt compiles the models once, for a window of one made-up day; what it would do with them on another day is the same SQL
with all days moved. So every evening is: the day's rows into the two staging tables that hold what machines delivered,
then each model in turn by its materialization, over exactly the days that the new day moves.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.fleets import ONLY_MODELS
from vending_platform_tests.dbt_project.dbt import Dbt

# Nothing else has a date in those decades.
_COMPILED_FOR = date(2070, 1, 1)
_A_DAY = re.compile(r"\b20[67]\d-\d\d-\d\d\b")
FED = ("stg_vending__sales", "stg_vending__replenishments")
Foretell = Callable[[duckdb.DuckDBPyConnection, date], pa.Table | None]


@dataclass(frozen=True)
class Step:
    """A model: the days before the new one that it moves are in its SQL already."""

    relation: str
    materialized: str
    sql: str
    days_moved: int
    is_for_forecasts: bool = False
    """Whether nothing but forecasts is made from it."""


@dataclass(frozen=True)
class Evenings:
    """`connection` holds every relation of the models, made by dbt and emptied."""

    connection: duckdb.DuckDBPyConnection
    steps: tuple[Step, ...]
    fed: Mapping[str, str]

    def pass_by(
        self,
        day: date,
        delivered: Mapping[str, Iterable[Mapping[str, Any]]],
        foretell: Mapping[str, Foretell] = MappingProxyType({}),
    ) -> None:
        """A day's rows, by staging model, and all that follows from them. The last model is built when `foretell` has
        given what it needs to know of the days to come, by staging model."""
        for name, rows in delivered.items():
            if listed := list(rows):
                self._arrive(name, pa.Table.from_pylist(listed))
        self._build([step for step in self.steps[:-1] if foretell or not step.is_for_forecasts], day)
        for name, function in foretell.items():
            if (found := function(self.connection, day)) is not None:
                self._arrive(name, found)
        self._build(self.steps[-1:], day)

    def _arrive(self, name: str, rows: pa.Table) -> None:
        self.connection.register("arrived", rows)
        self.connection.execute(f"insert into {self.fed[name]} by name select * from arrived")
        self.connection.unregister("arrived")

    def _build(self, steps: Iterable[Step], day: date) -> None:
        for step in steps:
            sql = moved(step.sql, day)
            if step.materialized == "table":
                self.connection.execute(f"create or replace table {step.relation} as {sql}")
                continue
            first = day - timedelta(days=step.days_moved)
            self.connection.execute("begin")
            self.connection.execute(
                f"delete from {step.relation} where business_date between $first and $last",
                {"first": first, "last": day},
            )
            self.connection.execute(f"insert into {step.relation} by name {sql}")
            self.connection.execute("commit")


@contextmanager
def open_evenings(dbt: Dbt, mart: str, besides: Sequence[str] = (), fed: Sequence[str] = ()) -> Iterator[Evenings]:
    """In a warehouse that holds masters and no other delivery: what dbt builds there is empty, and compiled. `besides`
    are further models that are kept up to date, `fed` further staging models that are given."""
    behind = {key: node for name in (*besides, mart) for key, node in _behind(dbt, f"model.vending.{name}").items()}
    ahead = _days_moved(behind)
    windows = {
        node.name: [str(_COMPILED_FOR - timedelta(days=ahead[key])), str(_COMPILED_FOR)] for key, node in behind.items()
    }
    days = {"windows": windows, "first_day": str(_COMPILED_FOR), "last_day": str(_COMPILED_FOR)}
    outcome = dbt(
        "build", "--select", *(f"+{name}" for name in (*besides, mart)), "--vars", json.dumps(days), *ONLY_MODELS
    )
    sql = {
        result.node.unique_id: result.node.compiled_code for result in outcome.result if result.node.unique_id in behind
    }
    with duckdb.connect(str(dbt.folder / "dbt_dev.duckdb")) as connection:
        given = {node.name: node.relation_name for node in behind.values() if node.name in (*FED, *fed)}
        for relation in given.values():
            connection.execute(f"create temp table empty as select * from {relation} limit 0")
            connection.execute(f"drop view {relation}; create table {relation} as from empty; drop table empty")
        order = sorted(
            TopologicalSorter({key: _parents(behind, key) for key in behind}).static_order(),
            key=lambda key: behind[key].name == mart,
        )
        needed = _behind(dbt, f"model.vending.{mart}")
        steps = tuple(
            Step(behind[key].relation_name, behind[key].config.materialized, sql[key], ahead[key], key not in needed)
            for key in order
            if behind[key].config.materialized != "view" and _is_of_a_day(behind, key)
        )
        yield Evenings(connection, steps, given)


def moved(sql: str, day: date) -> str:
    """The SQL of another evening: every day near the one it was compiled for, moved by as much."""

    def move(found: re.Match[str]) -> str:
        return str(date.fromisoformat(found[0]) + (day - _COMPILED_FOR))

    return _A_DAY.sub(move, sql)


def _behind(dbt: Dbt, key: str) -> dict[str, Any]:
    """The model and every model behind it."""
    nodes = dbt.manifest.nodes
    found: dict[str, Any] = {}
    waiting = [key]
    while waiting:
        node = nodes[waiting.pop()]
        found[node.unique_id] = node
        waiting += [up for up in node.depends_on.nodes if up.startswith("model.") and up not in found]
    return found


def _parents(nodes: Mapping[str, Any], key: str) -> list[str]:
    return [up for up in nodes[key].depends_on.nodes if up in nodes]


def _is_of_a_day(nodes: Mapping[str, Any], key: str) -> bool:
    """Whether it rests on what machines deliver; masters don't change here."""
    return nodes[key].name in FED or any(_is_of_a_day(nodes, up) for up in _parents(nodes, key))


def _days_moved(nodes: Mapping[str, Any]) -> dict[str, int]:
    """How many days before a new day change in each model, because they look so far ahead in what machines deliver."""

    def days(key: str) -> int:
        reach = (nodes[key].config.meta or {}).get("reach")
        assert reach != "month", f"{key} is about months, and an evening is not"
        own = reach.get("days_after", 0) if isinstance(reach, dict) else 0
        moving = [up for up in _parents(nodes, key) if _is_of_a_day(nodes, up)]
        return int(own) + max(map(days, moving), default=0)

    return {key: days(key) for key in nodes}
