"""A table that no exposure declares, as files of every format: the results of an analysis."""

import pyarrow as pa

from vending_platform.catalog import CsvEncoding, Export, Format
from vending_platform.exporting.encoding import count_rows, encode
from vending_platform.exporting.writing import ExportError
from vending_platform.storage import Place


def write_table(place: Place, stem: str, rows: pa.Table) -> list[str]:
    """The paths of the table as CSV, JSON and Parquet, `stem` with each format's ending. Each file is read back."""
    paths = []
    for form in (Format.CSV, Format.JSON, Format.PARQUET):
        name = stem.rpartition("/")[2]
        encoding = CsvEncoding.UTF_8_BOM if form is Format.CSV else None
        export = Export(name=name, model=name, schema_name="", format=form, encoding=encoding, file_stem=name)
        path = f"{stem}.{form}"
        content = encode(rows, export)
        place.write(path, content)
        back = b"".join(place.read_path(path))
        if back != content or count_rows(back, export) != rows.num_rows:
            raise ExportError(f"{path} does not hold what was written to it: write it again")
        paths.append(path)
    return paths
