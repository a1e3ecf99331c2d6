"""What a warehouse can do for the floors above, whichever it is: be read, keep tables in shape, change them as one.

Rows come and go as Arrow; what they mean is the caller's business. `DuckDBWarehouse` is the laptop's,
`SnowflakeWarehouse` the one of staging and production; `connector` makes its connections.
"""

from vending_platform.warehouse.duckdb import SETTINGS as DUCKDB_SETTINGS
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform.warehouse.interface import (
    Change,
    PublishStep,
    Reader,
    Reservation,
    TableName,
    Warehouse,
    WarehouseBusy,
    WarehouseError,
    WarehouseMoved,
    Writer,
    literal,
    quoted,
    values_of,
)
from vending_platform.warehouse.snowflake import SnowflakeWarehouse
from vending_platform.warehouse.snowflake_inspection import check_setup, check_stage
from vending_platform.warehouse.snowflake_session import Connect, connector, endpoint_arguments

__all__ = [
    "DUCKDB_SETTINGS",
    "Change",
    "Connect",
    "DuckDBWarehouse",
    "PublishStep",
    "Reader",
    "Reservation",
    "SnowflakeWarehouse",
    "TableName",
    "Warehouse",
    "WarehouseBusy",
    "WarehouseError",
    "WarehouseMoved",
    "Writer",
    "check_setup",
    "check_stage",
    "connector",
    "endpoint_arguments",
    "literal",
    "quoted",
    "values_of",
]
