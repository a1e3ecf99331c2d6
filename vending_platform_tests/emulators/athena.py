"""An Athena for tests: DuckDB over the Iceberg tables that the emulated Glue names, behind Athena's own API.

The real PyAthena talks to it. It parses queries as Athena's SQL and refuses what Athena's engine does not have as far
as the platform could write it; it can't prove that Athena gives the same answer.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb
import pyarrow as pa
import sqlglot
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.table import Table
from sqlglot import exp

from vending_platform_tests.emulators.aws import REGION, EmulatedAws

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

OPERATIONS = "AmazonAthena."
MOST_ROWS_OF_A_PAGE = 1000
_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "VARCHAR": "varchar",
    "BLOB": "varbinary",
}


class Refused(Exception):
    """What Athena would say of the query."""


@dataclass
class Execution:
    """One query, its end and its result."""

    id: str
    sql: str
    workgroup: str
    submitted_at: float = field(default_factory=time.time)
    state: str = "RUNNING"
    reason: str = ""
    columns: list[tuple[str, str, int, int]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    bytes: int = 0

    def described(self) -> dict[str, Any]:
        return {
            "QueryExecutionId": self.id,
            "Query": self.sql,
            "StatementType": "DML",
            "WorkGroup": self.workgroup,
            "ResultConfiguration": {"OutputLocation": f"s3://results/{self.id}.csv"},
            "QueryExecutionContext": {},
            "Status": {
                "State": self.state,
                "StateChangeReason": self.reason,
                "SubmissionDateTime": self.submitted_at,
                "CompletionDateTime": time.time(),
            },
            "Statistics": {"DataScannedInBytes": self.bytes},
        }

    def page(self, first: int, count: int) -> dict[str, Any]:
        """As Athena gives it: the names of the columns are the first row of the first page."""
        header = [_data([name for name, *_ in self.columns])] if first == 0 else []
        rows = self.rows[first : first + count - len(header)]
        after = first + len(rows)
        return {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": header + [_data([_text(value) for value in row]) for row in rows],
                "ResultSetMetadata": {"ColumnInfo": [_column(*column) for column in self.columns]},
            },
            **({"NextToken": str(after)} if after < len(self.rows) else {}),
        }


@dataclass
class AthenaEmulator:
    """`queries` is what was sent."""

    catalog: GlueCatalog
    workgroups: set[str]
    queries: list[str] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)

    def answer(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterator[bytes]:
        operation = environ["HTTP_X_AMZ_TARGET"].removeprefix(OPERATIONS)
        request = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
        try:
            status, answer = 200, self._answered(operation, request)
        except Refused as error:
            status, answer = 400, {"__type": "InvalidRequestException", "message": str(error)}
        body = json.dumps(answer).encode()
        start(
            f"{status} Answered", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
        )
        yield body

    def _answered(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        match operation:
            case "StartQueryExecution":
                return {"QueryExecutionId": self._start(request).id}
            case "GetQueryExecution":
                return {"QueryExecution": self.executions[request["QueryExecutionId"]].described()}
            case "GetQueryResults":
                count = request.get("MaxResults", MOST_ROWS_OF_A_PAGE)
                if count > MOST_ROWS_OF_A_PAGE:
                    raise Refused(f"MaxResults is more than {MOST_ROWS_OF_A_PAGE}")
                return self.executions[request["QueryExecutionId"]].page(int(request.get("NextToken", 0)), count)
            case "StopQueryExecution":
                self.executions[request["QueryExecutionId"]].state = "CANCELLED"
                return {}
        raise Refused(f"the emulator does not know {operation}")

    def _start(self, request: Mapping[str, Any]) -> Execution:
        if request.get("WorkGroup") not in self.workgroups:
            raise Refused(f"WorkGroup {request.get('WorkGroup')} is not found.")
        execution = Execution(str(uuid4()), request["QueryString"], request["WorkGroup"])
        self.queries.append(execution.sql)
        self.executions[execution.id] = execution
        threading.Thread(target=self._run, args=(execution,)).start()
        return execution

    def _run(self, execution: Execution) -> None:
        try:
            query = _parsed(execution.sql)
            with duckdb.connect() as connection:
                connection.execute("set timezone = 'UTC'")
                for place, node in enumerate(list(query.find_all(exp.Table))):
                    if node.db:
                        self._register(connection, f"_table_{place}", node, execution)
                found = connection.execute(query.sql("duckdb"))
                columns = [_described(name, kind) for name, kind, *_ in found.description or ()]
                rows = found.fetchall()
        except (duckdb.Error, Refused) as error:
            execution.reason, execution.state = f"{type(error).__name__}: {error}", "FAILED"
        else:
            execution.columns, execution.rows = columns, rows
            execution.state = "SUCCEEDED"

    def _register(
        self, connection: duckdb.DuckDBPyConnection, name: str, node: exp.Table, execution: Execution
    ) -> None:
        if not self.catalog.table_exists((node.db, node.name)):
            raise Refused(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{node.db}.{node.name}' does not exist")
        table = self.catalog.load_table((node.db, node.name))
        scan = table.scan(snapshot_id=_snapshot_of(table, node))
        execution.bytes += sum(task.file.file_size_in_bytes for task in scan.plan_files())
        rows: pa.Table = scan.to_arrow()
        connection.register(name, rows)
        alias = node.alias or node.name
        node.replace(exp.Table(this=exp.to_identifier(name), alias=exp.TableAlias(this=exp.to_identifier(alias))))


@contextmanager
def athena_emulator(aws: EmulatedAws, *workgroups: str) -> Iterator[AthenaEmulator]:
    """In front of the emulated AWS, whose Glue and S3 it reads."""
    place = {"s3.endpoint": aws.endpoint, "s3.region": REGION, "s3.force-virtual-addressing": "false"}
    catalog = GlueCatalog("emulated", client=aws.client("glue"), **place)
    emulator = AthenaEmulator(catalog, set(workgroups))
    aws.others[OPERATIONS] = emulator.answer
    try:
        yield emulator
    finally:
        del aws.others[OPERATIONS]


def _parsed(sql: str) -> exp.Expr:
    (query,) = sqlglot.parse(sql, read="athena")
    if not isinstance(query, exp.Query):
        raise Refused("SYNTAX_ERROR: the workgroup takes only queries")
    for group in query.find_all(exp.Group):
        if group.args.get("all"):
            raise Refused("SYNTAX_ERROR: mismatched input 'ALL'")
    if any(True for _ in query.find_all(exp.Qualify)):
        raise Refused("SYNTAX_ERROR: mismatched input 'QUALIFY'")
    return query


def _snapshot_of(table: Table, node: exp.Table) -> int | None:
    version = node.args.get("version")
    if version is None:
        return None
    if version.this == "VERSION":
        return int(version.expression.name)
    written = version.expression.find(exp.Literal).name
    moment = datetime.strptime(written, "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)
    snapshot = table.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    if snapshot is None:
        raise Refused(f"INVALID_ARGUMENTS: No version history table at or before {written}")
    return snapshot.snapshot_id


def _described(name: str, kind: object) -> tuple[str, str, int, int]:
    written = str(kind)
    if written.startswith("DECIMAL"):
        precision, scale = written.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return name, "decimal", int(precision), int(scale)
    if written == "HUGEINT":  # DuckDB's sum of whole numbers; Athena's is a bigint
        return name, "bigint", 0, 0
    if written not in _TYPES:
        raise Refused(f"the emulator does not know how Athena calls {written}")
    return name, _TYPES[written], 0, 0


def _column(name: str, kind: str, precision: int, scale: int) -> dict[str, Any]:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": False,
    }


def _data(values: list[str | None]) -> dict[str, Any]:
    return {"Data": [{} if value is None else {"VarCharValue": value} for value in values]}


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case datetime():
            zone = " UTC" if value.tzinfo else ""
            return f"{value.astimezone(UTC) if zone else value:%Y-%m-%d %H:%M:%S.%f}"[:-3] + zone
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case bytes():
            return value.hex(" ")
    return str(value)
