"""The folder in the place of work through which rows come and leave, and the statements that copy them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from vending_platform.environment import Encryption
from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.interface import TableName, WarehouseError, quoted
from vending_platform.warehouse.redshift.data_api import DataApi

FOLDER = "publications"
"""The folder in the place of work in flight. What has been there for a day is deleted."""
_MICROSECONDS = "datediff(microsecond, timestamp '1970-01-01', {})"


@dataclass(frozen=True)
class Exchange:
    """Where files are, as this process writes them (`batches`) and as Redshift reads them (`url`)."""

    batches: Batches
    url: str
    role: str
    encryption: Encryption = Encryption.SSE_S3
    kms_key: str | None = None

    def path(self, name: str) -> str:
        return f"{FOLDER}/{name}"

    def write_manifest(self, name: str, files: Sequence[tuple[str, int]]) -> None:
        """Which files a COPY reads, each with its size, without which it reads no Parquet."""
        entries = [
            {"url": f"{self.url}/{self.path(file)}", "mandatory": True, "meta": {"content_length": size}}
            for file, size in files
        ]
        self.batches.write(self.path(name), json.dumps({"entries": entries}).encode())

    def copy_statement(self, table: TableName, manifest: str) -> str:
        """Columns are matched by their position."""
        return f"copy {table} from '{self.url}/{self.path(manifest)}' iam_role {self._role} format as parquet manifest"

    def unload(self, api: DataApi, sql: str) -> pa.Table:
        """What `api.query` gives, in no order: Redshift writes it as files, several at a time."""
        schema = api.query(f"select * from ({sql}) as asked limit 0").schema
        folder = f"unloaded_{unique_name()}"
        try:
            api.run(self._unload_statement(schema, sql, folder))
            parts = list(self._parts(folder))
            return pa.Table.from_arrays([_column(field, parts) for field in schema], names=schema.names)
        finally:
            for file in list(self.batches.files(self.path(folder))):
                self.batches.delete(file.path)

    @property
    def _role(self) -> str:
        return self.role if self.role == "default" else f"'{self.role}'"

    def _unload_statement(self, schema: pa.Schema, sql: str, folder: str) -> str:
        if "$$" in sql:
            raise WarehouseError(f"a query with $$ in it can't be exported from Redshift: {sql[:200]}")
        columns = ", ".join(map(_unloaded_column, schema))
        key = f" kms_key_id '{self.kms_key}' encrypted" if self.encryption is Encryption.SSE_KMS else ""
        return (
            f"unload ($$select {columns} from ({sql}) as asked$$) to '{self.url}/{self.path(folder)}/'"
            f" iam_role {self._role} format as parquet manifest verbose{key}"
        )

    def _parts(self, folder: str) -> Iterator[pa.Table]:
        """What Redshift has written, each file as it lists it: what a failed try has left there is not read."""
        manifest = json.loads(b"".join(self.batches.read_path(f"{self.path(folder)}/manifest")))
        for entry in manifest["entries"]:
            name = entry["url"].rpartition("/")[2]
            content = b"".join(self.batches.read_path(f"{self.path(folder)}/{name}"))
            rows = pq.ParquetFile(pa.BufferReader(content)).read()
            written = entry["meta"]["record_count"]
            if rows.num_rows != written:
                raise WarehouseError(
                    f"Redshift reports that it unloaded {written} rows to {name}, but the file has {rows.num_rows};"
                    " it was not used, and the next run unloads it again"
                )
            yield rows


def unique_name() -> str:
    """A name that nothing else in the folder has; it begins with the time, by which it is found when it is old."""
    return f"{datetime.now(UTC):%Y%m%dt%H%M%S}_{uuid4().hex[:12]}"


def _unloaded_column(field: pa.Field) -> str:
    """A timestamp leaves as its microseconds: none with a zone is written to Parquet."""
    name = quoted(field.name)
    if not pa.types.is_timestamp(field.type):
        return name
    return f"{_MICROSECONDS.format(_without_zone(field))} as {name}"


def _without_zone(field: pa.Field) -> str:
    return f"{quoted(field.name)} at time zone 'UTC'" if field.type.tz else quoted(field.name)


def _column(field: pa.Field, parts: Sequence[pa.Table]) -> pa.ChunkedArray:
    written = pa.int64() if pa.types.is_timestamp(field.type) else field.type
    chunks = [chunk.cast(written) for part in parts for chunk in part.column(field.name).chunks]
    return pa.chunked_array(chunks, written).cast(field.type)
