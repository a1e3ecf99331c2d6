"""The lake: Iceberg tables, with a catalog in SQLite on a laptop and in AWS Glue in the cloud.

`open_lake` is the way in. `tables` declares a table, `changes` changes its rows as one commit or not at all, `sql`
reads it, `history` lists what there is, and `maintenance` keeps it small. These modules need the extra `lake`, and take
a second to import: a caller imports it where it is used.
"""

from vending_platform.lake.errors import LakeConflict, LakeError, LakeUnavailable
from vending_platform.lake.maintained import Maintained, MaintainedTable
from vending_platform.lake.opening import NAMESPACES, Lake, catalog_file, open_lake

__all__ = [
    "NAMESPACES",
    "Lake",
    "LakeConflict",
    "LakeError",
    "LakeUnavailable",
    "Maintained",
    "MaintainedTable",
    "catalog_file",
    "open_lake",
]
