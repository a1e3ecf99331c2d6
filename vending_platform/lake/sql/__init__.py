"""SQL over the lake, by Athena where the environment declares a workgroup, and else by DuckDB, wherever the lake is. It
reads and changes nothing."""

from vending_platform.lake.sql.as_of import AsOf, parse_as_of
from vending_platform.lake.sql.querying import query_lake
from vending_platform.lake.sql.result import Found, Scanned

__all__ = ["AsOf", "Found", "Scanned", "parse_as_of", "query_lake"]
