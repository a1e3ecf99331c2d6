"""The right to write on Snowflake. The session is the lease's own: renewing it must not be part of a transaction."""

from collections.abc import Mapping
from datetime import timedelta

import pyarrow as pa

from vending_platform.warehouse.interface import literal
from vending_platform.warehouse.lease import Lease
from vending_platform.warehouse.snowflake.session import Session, library


class SnowflakeLease(Lease):
    NOW = "current_timestamp()"
    ENDS = "dateadd('second', :seconds, current_timestamp())"
    SECONDS_BETWEEN_TRIES = 1.0

    def __init__(self, own: Session, purpose: str, length: timedelta) -> None:
        super().__init__(purpose, length)
        self._session = own

    def _query(self, sql: str) -> pa.Table:
        return self._session.query(sql)

    def _update(self, sql: str, values: Mapping[str, str]) -> int:
        for name, value in values.items():
            sql = sql.replace(f":{name}", value if name == "seconds" else literal(value))
        return self._session.run(sql)

    def _failures(self) -> tuple[type[Exception], ...]:
        return (library().Error,)
