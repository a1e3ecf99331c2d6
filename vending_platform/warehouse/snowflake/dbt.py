"""dbt's connection to Snowflake."""

import json
from collections.abc import Callable, Mapping

from vending_platform.warehouse.kind import DbtConnection
from vending_platform.warehouse.snowflake.session import endpoint_arguments
from vending_platform.warehouse.snowflake.settings import SnowflakeSettings


def dbt_connection(
    settings: SnowflakeSettings,
    private_key: Callable[[], str],
    tag: Mapping[str, str],
    *,
    endpoint: str | None = None,
) -> DbtConnection:
    """`private_key` gives the user's key as PEM; every query carries `tag`, as JSON."""

    def variables() -> Mapping[str, str]:
        declared = {
            "DBT_SNOWFLAKE_ACCOUNT": settings.account,
            "DBT_SNOWFLAKE_USER": settings.user,
            "DBT_SNOWFLAKE_ROLE": settings.role,
            "DBT_SNOWFLAKE_DATABASE": settings.database,
            "DBT_SNOWFLAKE_WAREHOUSE": settings.warehouse,
            "DBT_SNOWFLAKE_QUERY_TAG": json.dumps(dict(tag), sort_keys=True),
            "DBT_ENV_SECRET_SNOWFLAKE_PRIVATE_KEY": private_key(),  # dbt keeps variables named so out of its logs
        }
        emulator = endpoint_arguments(endpoint).items()
        return declared | {f"DBT_SNOWFLAKE_{name.upper()}": str(value) for name, value in emulator}

    return DbtConnection(database=settings.database, variables_of_a_command=variables)
