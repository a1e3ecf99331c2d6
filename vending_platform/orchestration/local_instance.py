"""Dagster's own storage on a laptop, in the environment's folder: every way to open it shows the same history.

`dagster.yaml` names these classes, so that `dagster dev`, `dg launch` and the like find the history without
`DAGSTER_HOME`, which is where Dagster looks for `dagster.yaml` and, without these classes, where it keeps everything.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dagster import Field, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.base import EventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.runs.base import RunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.schedules.base import ScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from vending_platform import environment
from vending_platform.file_lock import exclusive
from vending_platform.orchestration.event_log import LocalEventLog

_HOME = {"home": Field(StringSource, is_required=False, description="Default: the folder that the environment names.")}


def local_instance(home: Path) -> dict[str, Any]:
    """What `dagster.yaml` has about these classes, for a home that is not the environment's."""
    return {
        "storage": {"custom": _pointer(LocalHistory, home)},
        "compute_logs": _pointer(LocalLogs, home),
        "local_artifact_storage": _pointer(LocalArtifacts, home),
    }


class LocalHistory(DagsterStorage[Any], ConfigurableClass):
    """Runs, events, schedules and sensors: one SQLite file for each kind."""

    def __init__(self, home: Path, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        home.mkdir(parents=True, exist_ok=True)
        # Of two that start at once only one may make the tables.
        with exclusive(home / "tables.lock", "opening the history", on_wait=lambda _: None):
            self._runs = SqliteRunStorage.from_local(str(home / "history"))
            self._events = LocalEventLog(str(home / "history" / "events"))
            self._schedules = SqliteScheduleStorage.from_local(str(home / "schedules"))
        super().__init__()  # type: ignore[no-untyped-call]  # Dagster gives it no types

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return _HOME

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(_home(config_value), inst_data)

    def register_instance(self, instance: Any) -> None:
        super().register_instance(instance)
        for storage in (self._runs, self._events, self._schedules):
            if not storage.has_instance:
                storage.register_instance(instance)

    @property
    def run_storage(self) -> RunStorage[Any]:
        return self._runs

    @property
    def event_log_storage(self) -> EventLogStorage[Any]:
        return self._events

    @property
    def schedule_storage(self) -> ScheduleStorage[Any]:
        return self._schedules


class LocalLogs(LocalComputeLogManager):
    """What steps print."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return _HOME

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(str(_home(config_value) / "storage"), inst_data=inst_data)


class LocalArtifacts(LocalArtifactStorage):
    """Where Dagster keeps whatever else it keeps."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return _HOME

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(str(_home(config_value)), inst_data)


def _home(config: Mapping[str, Any]) -> Path:
    return Path(config.get("home") or environment.load().dagster_home).resolve()


def _pointer(kind: type, home: Path) -> dict[str, Any]:
    return {"module": kind.__module__, "class": kind.__name__, "config": {"home": str(home)}}
