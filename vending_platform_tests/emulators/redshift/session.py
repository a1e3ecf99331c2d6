"""One session: statements as Redshift takes them, each refused, rewritten, or done here (COPY, UNLOAD, TRUNCATE)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vending_platform_tests.emulators.redshift.dialect import Refused, refusal, translated
from vending_platform_tests.emulators.redshift.files import COPY, UNLOAD, copy, unload
from vending_platform_tests.emulators.redshift.server import psycopg2
from vending_platform_tests.emulators.redshift.views import view_statement

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BYTES = re.compile(r"bytes_of_\d+")
_TRUNCATE = re.compile(r"\s*truncate\b", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """What a statement gave: rows with the description of their columns, or the number of rows that it changed."""

    columns: tuple[Any, ...] | None
    rows: list[tuple[Any, ...]]
    count: int


class StatementFailed(Exception):
    """In Redshift's words."""


def prepared(sql: str) -> str:
    """For PostgreSQL; StatementFailed if Redshift would refuse it."""
    try:
        if (why := refusal(sql)) is not None:
            raise Refused(why)
        return view_statement(sql) or translated(sql)
    except Refused as error:
        raise StatementFailed(f"ERROR: {error}") from error


class Session:
    def __init__(self, connection: Any, s3: "S3Client") -> None:
        self._connection = connection
        self._s3 = s3

    def run(self, sql: str) -> Outcome:
        with _failures(), self._connection.cursor() as cursor:
            if found := COPY.fullmatch(sql.strip()):
                return Outcome(None, [], copy(cursor, self._s3, found))
            if found := UNLOAD.fullmatch(sql.strip()):
                return Outcome(None, [], unload(cursor, self._s3, found, prepared))
            cursor.execute(prepared(sql))
            rows = cursor.fetchall() if cursor.description else []
            if _TRUNCATE.match(sql):
                self._connection.commit()  # as Redshift does at once
            return Outcome(cursor.description, rows, cursor.rowcount)

    def together(self, statements: list[str], after_each: Callable[[int, Outcome], None]) -> None:
        """All of them in one transaction."""
        self._connection.autocommit = False
        try:
            for position, statement in enumerate(statements):
                after_each(position, self.run(statement))
            with _failures():
                self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as error:
        raise StatementFailed(in_words_of_redshift(error.pgcode or "", str(error))) from error


def in_words_of_redshift(code: str, message: str) -> str:
    first = message.strip().splitlines()[0]
    match code:
        case "40001" | "40P01":
            return "ERROR: could not complete because of conflict with concurrent transaction"
        case "23514" if _BYTES.search(first):
            return "ERROR: Value too long for character type"
        case "22012":
            return "ERROR: Divide by zero"
        case "57014":
            return "ERROR: Query cancelled on user's request"
    return f"ERROR: {first}"
