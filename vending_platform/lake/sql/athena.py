"""SQL over the lake, by Athena: the same words as on a laptop, in Athena's own SQL.

The rows are read page by page, as Athena writes each value, so none loses a digit. A query costs what it scans; the
workgroup says where results lie, and how much one query may scan.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from vending_platform import aws
from vending_platform.lake.errors import LakeError, LakeUnavailable
from vending_platform.lake.opening import Lake
from vending_platform.lake.sql.as_of import AsOf
from vending_platform.lake.sql.naming import tables_in
from vending_platform.lake.sql.result import Billed, Found
from vending_platform.warehouse import TableName

if TYPE_CHECKING:
    from pyathena.connection import Connection

_ROWS_AT_ONCE = 1000
"""A page of Athena's has no more."""
_SECONDS_BETWEEN_LOOKS = 0.3
_TYPES = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "real": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "varbinary": pa.binary(),
}
"""All others are texts."""


@contextmanager
def query_athena(lake: Lake, sql: str, as_of: AsOf = None) -> Iterator[Found]:
    """What one SELECT finds; `LakeError` for any other statement. The rows can be read until the block ends."""
    from pyathena.error import Error as AthenaRefused

    translated = in_athenas_words(lake, sql, as_of)
    assert lake.environment.aws is not None, "a workgroup is declared only where there is an account"
    try:
        with closing(_connected(lake)) as connection, closing(connection.cursor(arraysize=_ROWS_AT_ONCE)) as cursor:
            cursor.execute(translated)
            schema = pa.schema([(column[0], _type_of(*column)) for column in cursor.description or ()])
            billed = Billed(int(cursor.data_scanned_in_bytes or 0))
            yield Found(pa.RecordBatchReader.from_batches(schema, _batches(cursor, schema)), billed=billed)
    except AthenaRefused as error:
        raise LakeError(f"Athena refused the query: {' '.join(str(error).split())}") from None
    except aws.AWS_ERRORS as error:
        raise LakeUnavailable(aws.problem_of(error).explain(lake.environment.aws, "athena")) from error


def in_athenas_words(lake: Lake, sql: str, as_of: AsOf = None) -> str:
    """The query as Athena understands it, with the databases of this environment's catalog."""
    known = {table: lake.database(table.schema) for table in tables_in(lake, sql)}
    try:
        (query,) = sqlglot.parse(sql, read="duckdb")
        assert query is not None, "DuckDB has found a SELECT in it"
        if any(clause.args.get("all") for clause in query.find_all(exp.Group)):
            raise LakeError("Athena has no GROUP BY ALL: write the columns")
        for node in _tables_of(query):
            table = _named(node, known)
            node.set("this", exp.to_identifier(table.name, quoted=True))
            node.set("db", exp.to_identifier(known[table], quoted=True))
            if as_of is not None:
                node.set("version", _version(as_of))
        return query.sql("athena", unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise LakeError(f"this can't be written in Athena's SQL: {' '.join(str(error).split())}") from None


def _tables_of(query: exp.Expr) -> list[exp.Table]:
    """But for what a WITH has named."""
    with_names = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    return [node for node in query.find_all(exp.Table) if node.db or node.name.lower() not in with_names]


def _named(node: exp.Table, known: Mapping[TableName, str]) -> TableName:
    name, namespace = node.name.lower(), node.db.lower()
    return next(table for table in known if table.name == name and namespace in ("", table.schema))


def _version(as_of: int | datetime) -> exp.Version:
    if isinstance(as_of, int):
        return exp.Version(this="VERSION", kind="AS OF", expression=exp.Literal.number(as_of))
    moment = f"{as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"
    return exp.Version(
        this="TIMESTAMP", kind="AS OF", expression=exp.cast(exp.Literal.string(moment), exp.DataType.Type.TIMESTAMPTZ)
    )


def _connected(lake: Lake) -> "Connection[Any]":
    import pyathena

    target, settings = lake.environment.aws, lake.settings
    assert target is not None, "a workgroup is declared only where there is an account"
    return pyathena.connect(
        work_group=settings.athena,
        s3_staging_dir="",  # the workgroup says it, whatever variables hold
        region_name=target.region,
        endpoint_url=target.endpoint,
        poll_interval=_SECONDS_BETWEEN_LOOKS,
    )


def _type_of(_: str, kind: str, __: object, ___: object, precision: int, scale: int, *____: object) -> pa.DataType:
    return pa.decimal128(precision, scale) if kind == "decimal" else _TYPES.get(kind, pa.string())


def _batches(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        columns = zip(*rows, strict=True)
        yield pa.record_batch(
            [_array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
        )


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [value if value is None or isinstance(value, str) else str(value) for value in values]
    return pa.array(values, kind)
