"""COPY of Parquet files from S3 and UNLOAD to them, as far as the platform uses it, with Redshift's conditions."""

import io
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from vending_platform_tests.emulators.redshift.dialect import Refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ROLE = r"iam_role\s+(?P<role>default|'[^']+')"
COPY = re.compile(
    rf"copy\s+(?P<table>[\w.\"]+)\s+from\s+'(?P<url>s3://[^']+)'\s+{_ROLE}\s+format\s+as\s+parquet\s+manifest;?",
    re.IGNORECASE,
)
UNLOAD = re.compile(
    rf"unload\s*\(\s*\$\$(?P<query>.*)\$\$\s*\)\s*to\s+'(?P<url>s3://[^']+)'\s+{_ROLE}"
    r"\s+format\s+as\s+parquet\s+manifest\s+verbose(?:\s+encrypted|\s+kms_key_id\s+'[^']+'\s+encrypted)?;?",
    re.IGNORECASE | re.DOTALL,
)
_URL = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
_FILE_ROWS = 100_000
_COLUMNS = """
    select attname, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = cast(%s as regclass) and attnum > 0 and not attisdropped order by attnum
"""


def copy(cursor: Any, s3: "S3Client", statement: re.Match[str]) -> int:
    """Appends the rows of the manifest's files; returns how many."""
    table = statement["table"].lower()
    cursor.execute(_COLUMNS, [table])
    columns = cursor.fetchall()
    copied = 0
    for url, size in _entries(s3, statement["url"]):
        content = _read(s3, url)
        if len(content) != size:
            raise Refused(f"the file {url} has {len(content)} bytes, its manifest entry has content_length {size}")
        rows = pq.read_table(io.BytesIO(content))
        _check(rows.schema, columns, url)
        cursor.copy_expert(f"copy {table} from stdin with (format csv, null '\\\\N')", _as_csv(rows))
        copied += rows.num_rows
    return copied


def _entries(s3: "S3Client", url: str) -> Iterator[tuple[str, int]]:
    for entry in json.loads(_read(s3, url))["entries"]:
        size = entry.get("meta", {}).get("content_length")
        if size is None:
            raise Refused(f"the manifest {url} gives no content_length for {entry['url']}, which COPY of Parquet needs")
        yield entry["url"], size


def _check(schema: pa.Schema, columns: list[tuple[str, str]], url: str) -> None:
    """Columns are matched by their position, and the types have to agree: nothing is cast."""
    if len(schema) != len(columns):
        raise Refused(f"the file {url} has {len(schema)} columns, and the table {len(columns)}")
    for field, (name, declared) in zip(schema, columns, strict=True):
        if _parquet_type(field.type) not in (declared, re.sub(r"\(\d+\)$", "", declared)):
            raise Refused(
                f"Spectrum Scan Error: {url} has an incompatible Parquet schema for column '{name}':"
                f" {declared}, and in the file {field.type}"
            )


def _parquet_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    if kind == pa.timestamp("us"):
        return "timestamp without time zone"
    names = {
        pa.string(): "character varying",
        pa.int64(): "bigint",
        pa.float64(): "double precision",
        pa.bool_(): "boolean",
        pa.date32(): "date",
    }
    return names.get(kind, "a type that COPY can't read")


def _as_csv(rows: pa.Table) -> io.StringIO:
    lines = zip(*(column.to_pylist() for column in rows.columns), strict=True)
    return io.StringIO("".join(",".join(map(_quoted, line)) + "\n" for line in lines))


def _quoted(value: object) -> str:
    """What is not quoted is nothing."""
    return "\\N" if value is None else '"' + str(value).replace('"', '""') + '"'


def unload(cursor: Any, s3: "S3Client", statement: re.Match[str], prepared: Callable[[str], str]) -> int:
    """Writes files and their manifest; returns how many rows are in them."""
    cursor.execute(prepared(statement["query"]))
    schema = pa.schema([(column.name, arrow_type(column)) for column in cursor.description])
    entries: list[dict[str, Any]] = []
    unloaded = 0
    while rows := cursor.fetchmany(_FILE_ROWS):
        table = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
        sink = io.BytesIO()
        pq.write_table(table, sink)
        url = f"{statement['url']}{len(entries):04d}_part_00.parquet"
        _write(s3, url, sink.getvalue())
        meta = {"content_length": sink.tell(), "record_count": len(rows)}
        entries.append({"url": url, "meta": meta})
        unloaded += len(rows)
    manifest = {
        "entries": entries,
        "schema": {"elements": [{"name": field.name, "type": {"base": str(field.type)}} for field in schema]},
        "meta": {"content_length": sum(e["meta"]["content_length"] for e in entries), "record_count": unloaded},
        "author": {"name": "Amazon Redshift", "version": uuid4().hex},
    }
    _write(s3, f"{statement['url']}manifest", json.dumps(manifest).encode())
    return unloaded


def arrow_type(column: Any) -> pa.DataType:
    """Of a column of a result, as psycopg2 describes it."""
    match column.type_code:
        case 16:
            return pa.bool_()
        case 20 | 21 | 23:
            return pa.int64()
        case 700 | 701:
            return pa.float64()
        case 1082:
            return pa.date32()
        case 1114:
            return pa.timestamp("us")
        case 1184:
            raise Refused("UNLOAD of timestamptz to Parquet")
        case 1700:
            return pa.decimal128(*(digits_of(column, []) or (38, 0)))
        case _:
            return pa.string()


def digits_of(column: Any, values: list[Decimal | None]) -> tuple[int, int]:
    """Precision and scale. A sum has none in PostgreSQL: it has 38 digits in Redshift, and the scale of its terms."""
    if column.precision is not None and column.precision < 1000:
        return int(column.precision), int(column.scale)
    exponents = [value.as_tuple().exponent for value in values if value is not None]
    return 38, max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)


def _read(s3: "S3Client", url: str) -> bytes:
    found = _URL.fullmatch(url)
    assert found is not None, url
    try:
        return s3.get_object(Bucket=found["bucket"], Key=found["key"])["Body"].read()
    except s3.exceptions.NoSuchKey:
        raise Refused(f"S3ServiceException: The specified key does not exist: {url}") from None


def _write(s3: "S3Client", url: str, content: bytes) -> None:
    found = _URL.fullmatch(url)
    assert found is not None, url
    s3.put_object(Bucket=found["bucket"], Key=found["key"], Body=content)
