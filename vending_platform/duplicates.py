"""The rows of `raw` that do not count because another one with the same key does: what `source()` leaves out in dbt.

They stay in `raw`, as each of them may count again once the other one's file is corrected or withdrawn. Transformation
finds them (`transformation/one_per_key.py`); ingestion makes the table, so that dbt finds it whoever starts dbt.
"""

import pyarrow as pa

from vending_platform.warehouse import TableName

DUPLICATES = TableName("raw", "_duplicates")
DUPLICATES_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("file_id", pa.string()),
        ("line", pa.int64()),
        ("business_date", pa.date32()),
    ]
)
