"""The lake in two lines of a notebook."""

import pyarrow as pa

from vending_platform.environment import load
from vending_platform.lake.opening import open_lake
from vending_platform.lake.sql import parse_as_of, query_lake


def read(sql: str, as_of: str | None = None) -> pa.Table:
    """What one SELECT finds in the lake of the chosen environment, or found at an earlier time."""
    with query_lake(open_lake(load()), sql, parse_as_of(as_of) if as_of else None) as found:
        return found.rows.read_all()
