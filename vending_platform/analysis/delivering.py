"""Results that come back as deliveries: a file under the name of a contract, so that models can be built from them.

From there on such a result is a delivery like any other: it is in the ledger, the days that are built from it become
stale, an earlier one stays as it was, and where there is none the models do without.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vending_platform.analysis.pipeline import Pipeline, PipelineError
from vending_platform.analysis.tables import as_rows
from vending_platform.catalog import Catalog, Source
from vending_platform.storage import Place


def deliver(raw: Place, catalog: Catalog, pipeline: Pipeline, results: Mapping[str, Any]) -> list[str]:
    """The paths of the files that were written. A file that is there already with the same rows stays as it is."""
    written = []
    for name, result in results.items():
        if name not in pipeline.delivered:
            continue
        source = _source(catalog, pipeline.delivered[name], name)
        for path, rows in _by_day(source, as_rows(result)):
            buffer = BytesIO()
            pq.write_table(_as_declared(source, rows), buffer, compression="zstd")
            if not _is_there(raw, path, buffer.getvalue()):
                raw.write(path, buffer.getvalue())
                written.append(path)
    return written


def _source(catalog: Catalog, name: str, result: str) -> Source:
    for source in catalog.sources:
        if source.name == name and source.files.day_column is not None and source.is_dated:
            return source
    raise PipelineError(
        f"{result} is to be delivered as {name}, and there is no such source: declare one with delivery: daily"
        " and a day_column"
    )


def _by_day(source: Source, rows: pa.Table) -> list[tuple[str, pa.Table]]:
    """A file for each day that the rows are of."""
    assert source.files.day_column is not None
    column = rows[source.column(source.files.day_column).text_in_header]
    template = source.files.names[0]
    days = sorted(pc.unique(column).to_pylist())
    return [(template.replace("{yyyymmdd}", f"{day:%Y%m%d}"), rows.filter(pc.equal(column, day))) for day in days]


def _as_declared(source: Source, rows: pa.Table) -> pa.Table:
    """The contract's columns, in its types: a float is no decimal."""
    fields = {column.text_in_header: column.type.arrow for column in source.columns}
    return rows.select(list(fields)).cast(pa.schema(list(fields.items())))


def _is_there(raw: Place, path: str, content: bytes) -> bool:
    there = next(iter(raw.named([path])), None)
    return there is not None and there.size == len(content) and b"".join(raw.chunks(there)) == content
