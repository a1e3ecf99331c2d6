"""The DuckDB that reads and writes the lake's files."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from vending_platform.lake.opening import Lake
from vending_platform.storage import ObjectPlace


@contextmanager
def engine(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own, without tables, that reads and writes the lake's files."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")  # no order is promised, and so less is held back
        connection.execute("set python_enable_replacements = false")
        if isinstance(lake.place, ObjectPlace):
            from vending_platform.storage.filesystem import filesystem_of

            connection.register_filesystem(filesystem_of(lake.place))
        yield connection
