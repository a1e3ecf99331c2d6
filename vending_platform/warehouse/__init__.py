"""What a warehouse can do for the layers above, whichever it is: be read, keep tables in shape, change them as one.

Rows come and go as Arrow; what they mean is the caller's business. Each type of warehouse is a package of its own,
which `kind_of` finds by the name that `environments.yml` declares, and `WarehouseKind` is what such a package brings.
"""

from vending_platform.warehouse.interface import (
    Alterations,
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
from vending_platform.warehouse.kind import (
    DagsterResource,
    DbtConnection,
    WarehouseKind,
    dagster_resource_of,
    kind_of,
    noisy_loggers,
)

__all__ = [
    "Alterations",
    "Change",
    "DagsterResource",
    "DbtConnection",
    "PublishStep",
    "Reader",
    "Reservation",
    "TableName",
    "Warehouse",
    "WarehouseBusy",
    "WarehouseError",
    "WarehouseKind",
    "WarehouseMoved",
    "Writer",
    "dagster_resource_of",
    "kind_of",
    "literal",
    "noisy_loggers",
    "quoted",
    "values_of",
]
