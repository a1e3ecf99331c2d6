"""What dbt says of a build, and how it is noted until it is recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from vending_platform.catalog import Catalog
from vending_platform.ledger import RecordKind, note_unrecorded
from vending_platform.transformation.blocking import BlockedDay
from vending_platform.transformation.planning import BuildPlan
from vending_platform.transformation.staleness import Window
from vending_platform.warehouse import Change

_GOOD = ("success", "pass", "warn")


@dataclass(frozen=True)
class NodeResult:
    """What became of one model, test or other node of dbt in one window; a test `tests` these models."""

    unique_id: str
    name: str
    kind: str
    status: str
    message: str | None
    failures: int | None
    seconds: float
    tests: frozenset[str]
    statement: str | None = None
    """Of a test that found rows, as dbt has sent it: it finds them again."""

    @property
    def is_good(self) -> bool:
        return self.status in _GOOD


@dataclass(frozen=True)
class NodeStarted:
    """A model, test or other node of dbt as soon as dbt works on it."""

    unique_id: str


@dataclass(frozen=True)
class Finished:
    """A model, test or other node of dbt as soon as it is done: the `number`th of `total` in this command of dbt."""

    name: str
    kind: str
    status: str
    message: str
    failures: int
    seconds: float
    number: int
    total: int
    unique_id: str

    @property
    def is_good(self) -> bool:
        return self.status in _GOOD

    def __str__(self) -> str:
        match self.status:
            case "success" if self.kind != "unit_test":
                ended = "built"
            case "success" | "pass":
                ended = "passed"
            case "warn" | "fail" if self.kind == "test":
                ended = f"{'warned' if self.status == 'warn' else 'failed'}, failing rows: {self.failures:,}"
            case "skipped":
                return f"{self.number} of {self.total}: {self.name}, not run, because what it needs failed"
            case _:
                ended = f"failed: {' '.join(self.message.split())}"
        return f"{self.number} of {self.total}: {self.name}, {ended}, {self.seconds:.1f} s"


@dataclass(frozen=True)
class WindowDone:
    """One window, as soon as its builds are in the ledger; `rows` as in `Transformed`, of this window alone."""

    window: Window
    results: Sequence[NodeResult]
    rows: Mapping[tuple[str, date | None], int]


@dataclass
class Transformed:
    """What a transformation did: the windows that were stale, and dbt's results for each of them."""

    run_id: str
    windows: list[tuple[Window, list[NodeResult]]] = field(default_factory=list)
    blocked: list[BlockedDay] = field(default_factory=list)
    """What had to wait for a person; see `blocking`."""
    rows: dict[tuple[str, date | None], int] = field(default_factory=dict)
    """Per model and day that was built, how many rows it has now; None stands for a model that is built as a whole."""
    plan: BuildPlan = field(default_factory=BuildPlan)

    @property
    def failed(self) -> list[NodeResult]:
        return [result for _, results in self.windows for result in results if not result.is_good]

    @property
    def warned(self) -> list[NodeResult]:
        return [result for _, results in self.windows for result in results if result.status == "warn"]


@dataclass(frozen=True)
class _Noted:
    """One window of a run, without what the project says of its models."""

    run_id: str
    models: list[str]
    built: dict[str, list[date]]
    nodes: list[NodeResult]
    rows: list[tuple[str, date | None, int]]


_NOTED = TypeAdapter(_Noted)


def node_result(result: Any) -> NodeResult:
    """Of dbt's own."""
    kind = str(result.node.resource_type)
    statement = getattr(result.node, "compiled_code", None) if kind == "test" and result.failures else None
    return NodeResult(
        unique_id=result.node.unique_id,
        name=result.node.name,
        kind=kind,
        status=str(result.status),
        message=result.message,
        failures=result.failures,
        seconds=float(result.execution_time),  # of what was skipped dbt says a whole 0
        tests=frozenset(result.node.depends_on_nodes if kind == "test" else ()),
        statement=statement and statement.strip().rstrip(";"),
    )


def note_build(
    run_id: str, window: Window, nodes: Sequence[NodeResult], rows: dict[tuple[str, date | None], int]
) -> Change:
    noted = _Noted(
        run_id,
        [model.name for model in window.models],
        {name: list(days) for name, days in window.built.items()},
        list(nodes),
        [(model, day, count) for (model, day), count in rows.items()],
    )
    return note_unrecorded(RecordKind.BUILD, _NOTED.dump_json(noted).decode())


def noted_builds(catalog: Catalog, found: Iterable[str]) -> list[Transformed]:
    """What was noted, one for each run; of models that the project still has."""
    models = {model.name: model for model in catalog.models}
    runs: dict[str, Transformed] = {}
    for text in found:
        noted = _NOTED.validate_json(text)
        done = runs.setdefault(noted.run_id, Transformed(noted.run_id))
        window = Window(
            tuple(models[name] for name in noted.models if name in models),
            {name: days for name, days in noted.built.items() if name in models},
        )
        done.windows.append((window, noted.nodes))
        done.rows |= {(model, day): count for model, day, count in noted.rows}
    return list(runs.values())
