"""The dashboard's tables as exports leave them, of any rows, without building them."""

from datetime import UTC, datetime

import pyarrow as pa

from vending_platform.catalog import Export, Format
from vending_platform.exporting import PAGE_MANIFEST, PageFile, PageManifest, PageTable
from vending_platform.exporting.encoding import encode
from vending_platform.storage import LocalPlace

_PAGE = Export(name="e", model="m", schema_name="marts", format=Format.DASHBOARD, file_stem="e")


def write_tables(place: LocalPlace, tables: dict[str, dict[str | None, pa.Table]]) -> None:
    """Write each table, a file a month or one of all (`None`), and the list of them."""
    written = {name: _written(place, name, months) for name, months in tables.items()}
    now = datetime.now(UTC).isoformat("T", "seconds")
    place.write(PAGE_MANIFEST, PageManifest(now, written).as_json())


def _written(place: LocalPlace, name: str, months: dict[str | None, pa.Table]) -> PageTable:
    files = []
    for month, table in months.items():
        content = encode(table, _PAGE)
        path = f"{name}/{name}_{month or 'all'}.parquet"
        place.write(path, content)
        files.append(PageFile(path, month, table.num_rows, len(content), ""))
    return PageTable("marts", "", "internal", [], files)
