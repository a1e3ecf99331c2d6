"""The Data API over sessions of the emulator: what boto3 sends is run as it would be there, within the same limits.

A statement runs in a thread; `WaitTimeSeconds` waits for it. Each ClientToken is one statement, however often it comes.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from vending_platform_tests.emulators.redshift.dialect import Refused, parameters_in, with_values
from vending_platform_tests.emulators.redshift.files import digits_of
from vending_platform_tests.emulators.redshift.session import Outcome, Session, StatementFailed

MOST_STATEMENTS = 40
MOST_BYTES_OF_A_STATEMENT = 100_000
_TYPES = {
    16: "bool", 20: "int8", 21: "int2", 23: "int4", 700: "float4", 701: "float8", 1082: "date", 1114: "timestamp",
    1184: "timestamptz", 1700: "numeric", 1042: "bpchar",
}  # fmt: skip
_WHOLE = (20, 21, 23)


class ApiError(Exception):
    def __init__(self, code: str, message: str, status: int = 400, **others: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.others = others


@dataclass
class Statement:
    """`ended` is set when it has its last status."""

    id: str
    request: Mapping[str, Any]
    sqls: list[str]
    created_at: float = field(default_factory=time.time)
    status: str = "SUBMITTED"
    error: str | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    connection: Any = None

    @property
    def is_batch(self) -> bool:
        return "Sqls" in self.request

    def described(self) -> dict[str, Any]:
        last = self.outcomes[-1] if self.outcomes else None
        common = {
            "Id": self.id,
            "Status": self.status,
            "CreatedAt": self.created_at,
            "UpdatedAt": time.time(),
            "Database": self.request["Database"],
            "WorkgroupName": self.request["WorkgroupName"],
            "QueryString": self.sqls[0],
            "HasResultSet": last is not None and last.columns is not None and not self.is_batch,
            "ResultRows": last.count if last is not None else -1,
            **({"Error": self.error} if self.error else {}),
        }
        if not self.is_batch:
            return common
        below = [self._described_below(position) for position in range(len(self.sqls))]
        return common | {"SubStatements": below, "HasResultSet": any(sub["HasResultSet"] for sub in below)}

    def _described_below(self, position: int) -> dict[str, Any]:
        is_done = position < len(self.outcomes)
        outcome = self.outcomes[position] if is_done else None
        is_next = position == len(self.outcomes)
        return {
            "Id": f"{self.id}:{position + 1}",
            "QueryString": self.sqls[position],
            "Status": "FINISHED" if is_done else self.status if is_next else "ABORTED",
            "HasResultSet": outcome is not None and outcome.columns is not None,
            "ResultRows": outcome.count if outcome is not None else -1,
            **({"Error": self.error} if self.error and is_next else {}),
        }


@dataclass
class DataApi:
    """`connect` opens a session in a database of a workgroup. `review` looks at every statement before it runs."""

    connect: Callable[[str, str], Any]
    s3: Any
    review: Callable[[str], None]
    rows_on_a_page: int = 1000
    most_result_bytes: int = 100 * 1024 * 1024
    statements: dict[str, Statement] = field(default_factory=dict)
    _by_token: dict[str, Statement] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "ExecuteStatement" | "BatchExecuteStatement":
                return self._execute(request)
            case "DescribeStatement":
                found = self._found(request)
                found.ended.wait(request.get("WaitTimeSeconds", 0))
                return found.described()
            case "GetStatementResult":
                return self._result(request)
            case "CancelStatement":
                return self._cancel(self._found(request))
        raise ApiError("ValidationException", f"the emulator does not know {operation}")

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        sqls = request.get("Sqls") or [request["Sql"]]
        values = {given["name"]: given["value"] for given in request.get("Parameters", ())}
        _check_limits(sqls, values)
        token = request["ClientToken"]
        with self._lock:
            statement = self._by_token.get(token)
            if statement is None:
                statement = Statement(str(uuid4()), request, sqls)
                self._by_token[token] = self.statements[statement.id] = statement
                threading.Thread(target=self._run, args=[statement, values], daemon=True).start()
            elif statement.request != request:
                raise ApiError("ValidationException", "the same ClientToken came with another request")
        statement.ended.wait(request.get("WaitTimeSeconds", 0))
        names = ("Id", "Status", "CreatedAt", "Database", "WorkgroupName", "HasResultSet")
        return {name: value for name, value in statement.described().items() if name in names}

    def _run(self, statement: Statement, values: dict[str, str]) -> None:
        statement.status = "STARTED"
        try:
            sqls = [with_values(sql, values) for sql in statement.sqls]
            for sql in statement.sqls:
                self.review(sql)
            statement.connection = self.connect(statement.request["WorkgroupName"], statement.request["Database"])
            session = Session(statement.connection, self.s3)
            if statement.is_batch:
                session.together(sqls, lambda _, outcome: statement.outcomes.append(outcome))
            else:
                statement.connection.autocommit = True
                statement.outcomes.append(session.run(sqls[0]))
            self._check_size(statement)
            statement.status = "FINISHED"
        except (StatementFailed, Refused) as error:
            text = str(error)
            statement.error = text if text.startswith("ERROR") else f"ERROR: {text}"
            statement.status = "ABORTED" if "cancelled" in text else "FAILED"
        except Exception as error:
            statement.error, statement.status = f"ERROR: the emulator failed: {error!r}", "FAILED"
        finally:
            if statement.connection is not None:
                statement.connection.close()
            statement.ended.set()

    def _check_size(self, statement: Statement) -> None:
        for outcome in statement.outcomes:
            if sum(len(str(value)) for row in outcome.rows for value in row) > self.most_result_bytes:
                raise StatementFailed("ERROR: Query result size exceeds the maximum of 100 MB")

    def _cancel(self, statement: Statement) -> dict[str, Any]:
        if statement.ended.is_set():
            raise ApiError("ValidationException", "Could not cancel a query that is already in FINISHED state.")
        if statement.connection is not None:
            statement.connection.cancel()
        return {"Status": True}

    def _found(self, request: dict[str, Any]) -> Statement:
        identity = str(request["Id"]).partition(":")[0]
        if identity not in self.statements:
            raise ApiError("ResourceNotFoundException", "Query does not exist.", ResourceId=identity)
        return self.statements[identity]

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        statement = self._found(request)
        place = int(request["Id"].partition(":")[2] or 1) - 1
        if statement.status != "FINISHED" or place >= len(statement.outcomes):
            raise ApiError("ResourceNotFoundException", "Query does not have result.", ResourceId=request["Id"])
        outcome = statement.outcomes[place]
        if outcome.columns is None:
            raise ApiError("ResourceNotFoundException", "Query does not have result.", ResourceId=request["Id"])
        first = int(request.get("NextToken", 0))
        rows = outcome.rows[first : first + self.rows_on_a_page]
        following = first + len(rows)
        return {
            "Records": [list(map(_field, row)) for row in rows],
            "ColumnMetadata": [_metadata(outcome, place) for place in range(len(outcome.columns))],
            "TotalNumRows": len(outcome.rows),
            **({"NextToken": str(following)} if following < len(outcome.rows) else {}),
        }


def _check_limits(sqls: list[str], values: dict[str, str]) -> None:
    if len(sqls) > MOST_STATEMENTS:
        raise ApiError(
            "ValidationException",
            f"Member must have length less than or equal to {MOST_STATEMENTS} at 'sqls'",
        )
    for sql in sqls:
        if len(sql.encode()) > MOST_BYTES_OF_A_STATEMENT:
            raise ApiError("ValidationException", "Cannot process query string larger than 100kB")
    if unused := values.keys() - set().union(*map(parameters_in, sqls)):
        raise ApiError("ValidationException", f"Parameters list contains unused parameters: {sorted(unused)}")


def _metadata(outcome: Outcome, place: int) -> dict[str, Any]:
    assert outcome.columns is not None
    column = outcome.columns[place]
    type_ = _TYPES.get(column.type_code, "varchar")
    precision, scale = digits_of(column, [row[place] for row in outcome.rows]) if type_ == "numeric" else (0, 0)
    return {
        "name": column.name,
        "label": column.name,
        "typeName": type_,
        "precision": precision,
        "scale": scale,
        "nullable": 1,
    }


def _field(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"isNull": True}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"longValue": value}
        case float():
            return {"doubleValue": value}
        case datetime():
            return {"stringValue": _moment(value)}
        case Decimal():
            return {"stringValue": f"{value:f}"}
        case date():
            return {"stringValue": value.isoformat()}
        case _:
            return {"stringValue": str(value)}


def _moment(value: datetime) -> str:
    """As PostgreSQL and Redshift show it: no more decimals than there are, and a zone of whole hours."""
    text, is_split, fraction = value.replace(tzinfo=None).isoformat(sep=" ").partition(".")
    shown = f"{text}.{fraction.rstrip('0')}" if is_split else text
    return f"{shown}+00" if value.tzinfo else shown
