"""The Redshift Data API: statements run by name of the workgroup, with the role of this process and no connection.

A statement is sent with a token of its own, so that a request that boto3 repeats runs once. It is then waited for; a
statement that no one waits for any longer is cancelled. What differs from text to text goes as a parameter.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from vending_platform import aws
from vending_platform.environment import AwsTarget
from vending_platform.warehouse.interface import WarehouseError
from vending_platform.warehouse.redshift.failures import ConflictingTransaction, failure_of, refused
from vending_platform.warehouse.redshift.results import table_of
from vending_platform.warehouse.redshift.settings import RedshiftSettings

if TYPE_CHECKING:
    from mypy_boto3_redshift_data import RedshiftDataAPIServiceClient

Parameters = Mapping[str, str]
MOST_STATEMENTS = 40
"""So many statements can be one transaction of the Data API."""
_TRIES_AFTER_CONFLICTS = 5
_TRIES_OF_A_REQUEST = 3
_SECONDS_OF_A_REQUEST = 20
"""The API answers as soon as a statement has ended, and after that long in any case."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_LONGEST_NAME = 500
_ENDED = ("FINISHED", "FAILED", "ABORTED")


@dataclass(frozen=True)
class DataApi:
    """Statements in the database of one workgroup. Nothing is requested while nothing is to be done, so the workgroup
    can pause."""

    target: AwsTarget
    settings: RedshiftSettings
    tag: Mapping[str, str] = field(default_factory=dict)
    """The name of every statement, by which it is found in the console and in the system views."""
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def _client(self) -> "RedshiftDataAPIServiceClient":
        client: RedshiftDataAPIServiceClient = aws.client(self.target, "redshift-data")
        return client

    def query(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        """The result, with its columns' names in lower case; an empty one has its types too."""
        ended = self._ended(self._sent(sql, parameters), sql)
        with self._translated_errors():
            return table_of(self._pages(ended["Id"]))

    def run(self, sql: str, parameters: Parameters | None = None) -> int:
        """Returns how many rows the statement has changed."""
        return max(0, int(self._ended(self._sent(sql, parameters), sql).get("ResultRows", 0)))

    def run_together(self, statements: Sequence[str], parameters: Parameters | None = None) -> None:
        """All of them in one transaction, which is repeated if another one has got in its way."""
        if len(statements) > MOST_STATEMENTS:
            raise WarehouseError(
                f"this changes so many tables at once that it takes {len(statements)} statements, and Redshift's Data"
                f" API runs at most {MOST_STATEMENTS} as one transaction: load fewer sources at a time (--source)"
            )
        for left in reversed(range(_TRIES_AFTER_CONFLICTS)):
            try:
                self._ended(self._sent_together(statements, parameters), statements[0])
            except ConflictingTransaction:
                if not left:
                    raise
                self.sleep(_FIRST_PAUSE * 2 ** (_TRIES_AFTER_CONFLICTS - left))
            else:
                return

    def _sent(self, sql: str, parameters: Parameters | None) -> dict[str, Any]:
        given = {"Sql": sql, **self._common(parameters)}
        return self._answered(lambda: self._client.execute_statement(**given), "Id")

    def _sent_together(self, statements: Sequence[str], parameters: Parameters | None) -> dict[str, Any]:
        given = {"Sqls": list(statements), **self._common(parameters)}
        return self._answered(lambda: self._client.batch_execute_statement(**given), "Id")

    def _answered(self, request: Callable[[], Any], key: str) -> dict[str, Any]:
        """An answer that breaks off in its middle is one without its keys to boto3. Requested again, with the same
        token, it is about the same statement."""
        for _ in range(_TRIES_OF_A_REQUEST):
            with self._translated_errors():
                if key in (answer := dict(request())):
                    return answer
        raise WarehouseError("Redshift's Data API sends answers that break off: check the network, and run again")

    def _common(self, parameters: Parameters | None) -> dict[str, Any]:
        given = [{"name": name, "value": value} for name, value in (parameters or {}).items()]
        return {
            "WorkgroupName": self.settings.workgroup,
            "Database": self.settings.database,
            "ClientToken": str(uuid4()),
            "WaitTimeSeconds": _SECONDS_OF_A_REQUEST,
            **({"StatementName": json.dumps(dict(self.tag), sort_keys=True)[:_LONGEST_NAME]} if self.tag else {}),
            **({"Parameters": given} if given else {}),
        }

    def _ended(self, statement: dict[str, Any], sql: str) -> dict[str, Any]:
        """Its last description; an error in one sentence if it has not finished. The pauses grow, in case an endpoint
        does not wait."""
        pause = _FIRST_PAUSE
        try:
            described = self._described(statement["Id"])
            while described["Status"] not in _ENDED:
                self.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                described = self._described(statement["Id"])
        except BaseException:
            with suppress(*aws.AWS_ERRORS):
                self._client.cancel_statement(Id=statement["Id"])
            raise
        if described["Status"] != "FINISHED":
            raise failure_of(described, sql)
        return described

    def _described(self, statement: str) -> dict[str, Any]:
        wait = _SECONDS_OF_A_REQUEST
        return self._answered(lambda: self._client.describe_statement(Id=statement, WaitTimeSeconds=wait), "Status")

    def _pages(self, statement: str) -> Iterator[Mapping[str, Any]]:
        return iter(self._client.get_paginator("get_statement_result").paginate(Id=statement))

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except aws.AWS_ERRORS as error:
            raise refused(error, self.target, self.settings) from error
