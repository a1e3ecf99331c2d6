"""The right to write on Redshift."""

from collections.abc import Mapping
from datetime import timedelta

import pyarrow as pa

from vending_platform.warehouse.interface import WarehouseError
from vending_platform.warehouse.lease import Lease
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.failures import ConflictingTransaction


class RedshiftLease(Lease):
    NOW = "getdate()"
    ENDS = "dateadd(second, cast(:seconds as int), getdate())"
    SECONDS_BETWEEN_TRIES = 2.0

    def __init__(self, api: DataApi, purpose: str, length: timedelta) -> None:
        super().__init__(purpose, length)
        self._api = api

    def take(self) -> bool:
        try:
            return super().take()
        except ConflictingTransaction:
            return False  # another process has taken it at the same moment

    def _query(self, sql: str) -> pa.Table:
        return self._api.query(sql)

    def _update(self, sql: str, values: Mapping[str, str]) -> int:
        return self._api.run(sql, values)

    def _failures(self) -> tuple[type[Exception], ...]:
        return (WarehouseError,)
