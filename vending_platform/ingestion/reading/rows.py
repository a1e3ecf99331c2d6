"""The shape in which rows leave reading: every value still text, and where in its file each row stands."""

import pyarrow as pa

from vending_platform.catalog import Source

FILE, LINE, OFFSET, LENGTH = "_file", "_line", "_offset", "_length"
EXTRA, PROBLEM = "_extra", "_problem"


def text_schema(source: Source) -> pa.Schema:
    """`_file` is the file's number within its batch. `_offset` and `_length` are null where a row is just its line.
    A row with a `_problem` could not be divided into fields; its columns are null."""
    return pa.schema(
        [
            (FILE, pa.int32()),
            (LINE, pa.int64()),
            (OFFSET, pa.int64()),
            (LENGTH, pa.int64()),
            (PROBLEM, pa.string()),
            (EXTRA, pa.string()),
            *((column.name, pa.string()) for column in source.columns),
        ]
    )
