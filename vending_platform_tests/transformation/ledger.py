"""A ledger in the mind: what a warehouse tells of deliveries that have such rows in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Catalog
from vending_platform.ingestion.ledger import FILES, FILES_SCHEMA
from vending_platform.transformation.deliveries import Deliveries, read_deliveries
from vending_platform.warehouse import Change, DuckDBWarehouse


def told_of(catalog: Catalog, files: Sequence[Mapping[str, Any]]) -> Deliveries:
    with DuckDBWarehouse(Path("nowhere")).reading() as in_memory:
        in_memory.ensure_tables({FILES: FILES_SCHEMA})
        in_memory.publish([Change(FILES, insert=pa.Table.from_pylist(list(files), FILES_SCHEMA))], lambda _: None)
        return read_deliveries(in_memory, catalog)
