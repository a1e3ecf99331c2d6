"""Whether the file can be opened, or made."""

import os
from functools import partial
from pathlib import Path

from vending_platform.environment import Environment
from vending_platform.health import CheckFailed, HealthCheck, check_writable
from vending_platform.warehouse.duckdb.settings import settings_in
from vending_platform.warehouse.duckdb.warehouse import DuckDBWarehouse
from vending_platform.warehouse.interface import WarehouseBusy


def health_checks(environment: Environment, needs: tuple[str, ...]) -> list[HealthCheck]:
    return [HealthCheck("warehouse file", partial(check_file, settings_in(environment).file), needs)]


def check_file(path: Path) -> str:
    if not path.exists():
        check_writable(path.parent)
        return f"{path} is made by the first load"
    if not os.access(path, os.R_OK | os.W_OK):
        raise CheckFailed(f"this user may not write to {path}: fix its permissions")
    try:
        with DuckDBWarehouse(path).reading() as reader:
            is_filled = bool(reader.query("select table_name from duckdb_tables() limit 1").num_rows)
    except WarehouseBusy as busy:
        return f"another process is writing to it: {busy}"
    return f"{path} can be opened" + ("" if is_filled else "; nothing was loaded yet")
