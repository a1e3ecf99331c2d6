"""dbt's connection to the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vending_platform.warehouse.kind import DbtConnection


def dbt_connection(file: Path) -> DbtConnection:
    return DbtConnection(
        database=file.stem,
        variables={"DBT_DUCKDB_PATH": str(file.resolve())},
        variables_of_a_command=_variables_of_a_command,
        close=_close,
        # dbt would create the file, or wait for the process that writes to it.
        trial_variables={"DBT_DUCKDB_PATH": ":memory:"},
    )


def _variables_of_a_command() -> Mapping[str, str]:
    """The file stays open until the command ends, as no other process writes meanwhile. By itself dbt opens and reads
    it again for every other test."""
    return {"DBT_DUCKDB_KEEP_OPEN": "True"}


def _close() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    connections: Any = DuckDBConnectionManager
    connections.close_all_connections()
