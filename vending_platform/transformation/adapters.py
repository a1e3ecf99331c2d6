"""What each of dbt's adapters needs around a command of dbt: the variables its profile asks for, and tidying up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vending_platform.environment import SnowflakeTarget
from vending_platform.warehouse import endpoint_arguments


@dataclass(frozen=True)
class Adapter:
    """`variables` are asked for when a command begins, and are gone when it ends; some of them are secret."""

    variables: Callable[[], Mapping[str, str]]
    after: Callable[[], None]


def _duckdb_variables() -> Mapping[str, str]:
    """The file stays open until a command's end, as nobody else writes meanwhile: by itself, dbt opens it for every
    other test, and reads it anew."""
    return {"DBT_DUCKDB_KEEP_OPEN": "True"}


def _close_duckdb() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    connections: Any = DuckDBConnectionManager
    connections.close_all_connections()


DUCKDB = Adapter(_duckdb_variables, _close_duckdb)


def snowflake(target: SnowflakeTarget, private_key: Callable[[], str], tag: str) -> Adapter:
    """For the user of `target`, whose key `private_key` gives as PEM; every query carries `tag`."""

    def variables() -> Mapping[str, str]:
        said = {
            "DBT_SNOWFLAKE_ACCOUNT": target.account,
            "DBT_SNOWFLAKE_USER": target.user,
            "DBT_SNOWFLAKE_ROLE": target.role,
            "DBT_SNOWFLAKE_DATABASE": target.database,
            "DBT_SNOWFLAKE_WAREHOUSE": target.warehouse,
            "DBT_SNOWFLAKE_QUERY_TAG": tag,
            "DBT_ENV_SECRET_SNOWFLAKE_PRIVATE_KEY": private_key(),  # dbt keeps what is called so out of its logs
        }
        where = endpoint_arguments(target.endpoint).items()
        return said | {f"DBT_SNOWFLAKE_{name.upper()}": str(value) for name, value in where}

    return Adapter(variables, lambda: None)
