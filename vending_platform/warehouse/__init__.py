"""What a warehouse can do for the floors above, whichever it is: be read, keep tables in shape, change them as one.

Rows come and go as Arrow; what they mean is the caller's business. `DuckDBWarehouse` is the laptop's.
"""

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
    Writer,
)

__all__ = [
    "Change",
    "DuckDBWarehouse",
    "PublishStep",
    "Reader",
    "Reservation",
    "TableName",
    "Warehouse",
    "WarehouseBusy",
    "WarehouseError",
    "Writer",
]
