"""What `environments.yml` declares for a DuckDB file."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from vending_platform.environment import Environment, WarehouseSettings


class DuckDBSettings(WarehouseSettings):
    is_local: ClassVar[bool] = True

    type: Literal["duckdb"] = "duckdb"
    path: Annotated[str, StringConstraints(min_length=1)]

    @property
    def file(self) -> Path:
        return Path(self.path)


def settings_in(environment: Environment) -> DuckDBSettings:
    assert isinstance(environment.warehouse, DuckDBSettings)
    return environment.warehouse
