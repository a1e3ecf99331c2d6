"""dbt in this process: the project is parsed once, then each command works with what was parsed."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from vending_platform.catalog import Days, project_hash
from vending_platform.errors import Unavailable
from vending_platform.transformation.arguments import (
    build_arguments,
    catalog_arguments,
    connection_arguments,
    parse_arguments,
    test_arguments,
)
from vending_platform.transformation.results import Finished, NodeResult, NodeStarted, node_result
from vending_platform.transformation.staleness import Window
from vending_platform.warehouse import DbtConnection

OnNode = Callable[[NodeStarted | Finished], None]
_parsed: dict[tuple[Path, str, str, str], Any] = {}
"""The last manifest that this process has parsed, under all that it depends on."""


class TransformationError(Unavailable):
    """dbt could not even start; the message is its own."""


@dataclass(frozen=True)
class Project:
    """Where dbt works: its project, a folder for its artifacts, which of its targets is meant, and how it connects."""

    project_dir: Path
    target_dir: Path
    target: str
    threads: int
    connection: DbtConnection


class Dbt:
    """dbt with its manifest loaded: what takes seconds is done once."""

    def __init__(self, project: Project, on_node: OnNode) -> None:
        # Seconds of imports, needed only when there is something to build.
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        self._project = project
        self._progress = _Progress(on_node)
        about = (project.project_dir, project_hash(project.project_dir), project.target, project.connection.database)
        if about not in _parsed:
            with _remembered(project) as known:
                where = {"project_dir": project.project_dir, "target_dir": project.target_dir}
                parsed = _invoke(project, dbtRunner(), parse_arguments(known=known, **where, target=project.target))
            if not isinstance(parsed.result, Manifest):
                raise TransformationError(f"dbt can't parse {project.project_dir}: {parsed.exception}")
            _parsed.clear()
            _parsed[about] = parsed.result
        self._manifest = _parsed[about]
        self._runner = dbtRunner(manifest=_parsed[about], callbacks=[self._progress])

    def build(
        self,
        window: Window,
        *,
        shared: Mapping[str, Set[Days]],
        views: set[str],
        absent: set[str],
        unit_tests: bool,
    ) -> list[NodeResult]:
        names = {*views, *(model.name for model in window.models)}
        tested = (test.model for test in self._manifest.unit_tests.values())
        return self._run(
            build_arguments(window, shared=shared, views=views, absent=absent, unit_tests=unit_tests, **self._where()),
            sum(name in names for name in tested),
        )

    def test(self, tests: Iterable[str], days: Days | None) -> list[NodeResult]:
        """Run these tests, by the names that dbt selects them by: of all days that there are, or of some."""
        return self._run(test_arguments(tests, days, **self._where()))

    def _where(self) -> dict[str, Any]:
        project = self._project
        return {
            "project_dir": project.project_dir,
            "target_dir": project.target_dir,
            "target": project.target,
            "threads": project.threads,
        }

    def _run(self, arguments: list[str], unit_tests: int = 0) -> list[NodeResult]:
        from dbt.artifacts.schemas.run import RunExecutionResult

        self._progress.begin(unit_tests)
        outcome = _invoke(self._project, self._runner, arguments)
        if outcome.exception is not None:
            raise TransformationError(f"dbt stopped: {outcome.exception}")
        assert isinstance(outcome.result, RunExecutionResult)
        return [node_result(result) for result in outcome.result.results]

    def describe(self) -> None:
        """Write dbt's catalog: the columns and types that the tables have now."""
        project = self._project
        outcome = _invoke(
            project,
            self._runner,
            catalog_arguments(project_dir=project.project_dir, target_dir=project.target_dir, target=project.target),
        )
        if not outcome.success:
            raise TransformationError(f"dbt can't describe what it built: {outcome.exception}")


class _Progress:
    """Reports every node that one command of dbt finishes; dbt calls it from each of its threads."""

    def __init__(self, on_node: OnNode) -> None:
        self._on_node = on_node
        self._lock = Lock()
        self.begin()

    def begin(self, unit_tests: int = 0) -> None:
        """A command, which also runs these `unit_tests`: dbt's own total can have them twice."""
        self._number = self._total = 0
        self._nodes, self._unit_tests = 0, unit_tests

    def __call__(self, event: Any) -> None:
        with self._lock:
            match event.info.name:
                case "ConcurrencyLine":
                    self._total = self._nodes = event.data.node_count
                case "LogStartLine" | "SkippingDetails" if event.data.total > self._nodes:
                    self._total = self._nodes + self._unit_tests
                case "NodeStart":
                    self._on_node(NodeStarted(event.data.node_info.unique_id))
                case "NodeFinished":
                    self._number += 1
                    node, result = event.data.node_info, event.data.run_result
                    self._on_node(
                        Finished(
                            name=node.node_name,
                            kind=node.resource_type,
                            status=result.status,
                            message=result.message,
                            failures=result.num_failures,
                            seconds=result.execution_time,
                            number=self._number,
                            total=max(self._total, self._number),
                            unique_id=node.unique_id,
                        )
                    )


@contextmanager
def _remembered(project: Project) -> Iterator[Path | None]:
    """What dbt kept of parsing the very same project, if it did. Of another one it would also keep what is gone: a unit
    test that was renamed is asked under both names."""
    kept = project.target_dir / f"parsed-{project_hash(project.project_dir)}.msgpack"
    yield kept if kept.exists() else None
    if (written := project.target_dir / "partial_parse.msgpack").exists():
        for older in project.target_dir.glob("parsed-*.msgpack"):
            older.unlink()
        written.replace(kept)


def check_connection(project: Project) -> str:
    """Which dbt comes through to the warehouse with its profile (`dbt debug`). Nothing is built or written."""
    from dbt.cli.main import dbtRunner

    said: dict[str, list[str]] = {"DebugCmdOut": [], "DebugCmdResult": []}

    def on_event(event: Any) -> None:
        said.get(event.info.name, []).append(event.info.msg)

    with TemporaryDirectory() as folder:
        where = connection_arguments(project_dir=project.project_dir, log_dir=Path(folder), target=project.target)
        outcome = _invoke(project, dbtRunner(callbacks=[on_event]), where)
    if not outcome.success:
        reason = re.search(r">(.*?)\n\n", "\n".join(said["DebugCmdResult"]), re.DOTALL)
        raise TransformationError(
            f"dbt can't connect: {reason[1] if reason else outcome.exception or said['DebugCmdResult']}"
        )
    versions = dict(line.partition(": ")[::2] for line in said["DebugCmdOut"])
    return f"dbt {versions['dbt version']} with {versions['adapter type']} {versions['adapter version']} connects"


def _invoke(project: Project, runner: Any, arguments: list[str]) -> Any:
    """One command of dbt."""
    connection = project.connection
    with _variables({**connection.variables, **connection.variables_of_a_command()}):
        try:
            return runner.invoke(arguments)
        finally:
            connection.close()


@contextmanager
def _variables(variables: dict[str, str]) -> Iterator[None]:
    """What the profile asks for, while it is asked; afterwards as before."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
