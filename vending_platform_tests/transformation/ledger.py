"""A ledger in the mind: what a warehouse tells of deliveries that have such rows in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Catalog, DeliveryMode
from vending_platform.ingestion.histories import missing_histories
from vending_platform.ledger import FILES, FILES_SCHEMA, MASTER_VERSIONS, MASTER_VERSIONS_SCHEMA, read_file_versions
from vending_platform.transformation.deliveries import DeliveredFiles, read_deliveries
from vending_platform.warehouse import Change, Writer
from vending_platform.warehouse.duckdb import DuckDBWarehouse


def told_of(catalog: Catalog, files: Sequence[Mapping[str, Any]]) -> DeliveredFiles:
    with DuckDBWarehouse(Path("nowhere")).reading() as in_memory:
        note(in_memory, catalog, files)
        return read_deliveries(in_memory, catalog)


def note(writer: Writer, catalog: Catalog, files: Sequence[Mapping[str, Any]]) -> None:
    """The ledger holds these files and no others, and the masters' histories follow it."""
    writer.ensure_tables({FILES: FILES_SCHEMA, MASTER_VERSIONS: MASTER_VERSIONS_SCHEMA})
    rows = [dict(file) | {"path": file["path"] or file["file_id"], "loaded_at": file["modified_at"]} for file in files]
    before = writer.query(f"select * from {FILES}").select(["file_id"])
    writer.publish([Change(FILES, delete=before, insert=pa.Table.from_pylist(rows, FILES_SCHEMA))], lambda _: None)
    if any(
        source.files.delivery is DeliveryMode.SNAPSHOT
        for source in catalog
        if source.name in {r["source"] for r in rows}
    ):
        histories = missing_histories(writer, catalog, read_file_versions(writer))
        writer.publish([change for change in histories if change.table in (FILES, MASTER_VERSIONS)], lambda _: None)
