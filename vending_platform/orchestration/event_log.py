"""Dagster's history on a laptop, at the speed of a run's own work.

Dagster's SQLite log opens and closes its files for every event, and SQLite waits for the disk each time: some 50 ms an
event, where a build of forty tests has hundreds. Here the files stay open, and the disk is waited for at checkpoints; a
power cut may cost the last moments of the history, but no delivery, no row and no export.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from dagster import StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.polling_event_watcher import SqlPollingEventWatcher
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

_OPEN_AT_ONCE = 8
"""There is a file per run, and a reader of many runs must not run out of handles."""


class LocalEventLog(SqliteEventLogStorage):
    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._seen: set[tuple[str, str]] = set()
        """Tables, and columns of the table of assets, that are known to exist: none is ever taken away."""
        self._watcher = SqlPollingEventWatcher(self)
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"home": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(str(Path(config_value["home"]) / "history" / "events"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": 60})
            event.listen(engine, "connect", _relaxed)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > _OPEN_AT_ONCE:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    # Dagster's own asks the file for its schema with every event, a quarter of what writing one costs.

    def has_table(self, table_name: str) -> bool:
        return self._is_known("table", table_name, partial(super().has_table, table_name))

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        look = partial(super()._has_asset_key_col_on_connection, conn, column_name)
        return self._is_known("column", column_name, look)

    def _is_known(self, kind: str, name: str, look: Callable[[], bool]) -> bool:
        if (kind, name) in self._seen:
            return True
        if found := look():
            self._seen.add((kind, name))
        return found

    def delete_events(self, run_id: str) -> None:
        super().delete_events(run_id)
        with self._db_lock:
            if (engine := self._engines.pop(run_id, None)) is not None:
                engine.dispose()

    # SQLite's would wait for the file to change, and it only does so at checkpoints.

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: Any) -> None:
        self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        super().dispose()
        self._watcher.close()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def _relaxed(connection: Any, _: object) -> None:
    connection.execute("pragma synchronous = normal")
