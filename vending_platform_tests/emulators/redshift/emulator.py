"""The emulator as a whole: a server, and the requests of AWS that are about it, beside those that moto answers."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from vending_platform_tests.emulators.certificates import write_certificates
from vending_platform_tests.emulators.redshift import serverless
from vending_platform_tests.emulators.redshift.data_api import ApiError, DataApi
from vending_platform_tests.emulators.redshift.server import PostgresServer, postgres_server, psycopg2
from vending_platform_tests.emulators.redshift.session import StatementFailed
from vending_platform_tests.emulators.redshift.shapes import REVIEWED, shape
from vending_platform_tests.emulators.redshift.wire import redshift_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from vending_platform_tests.emulators.aws import EmulatedAws

WORKGROUP = "hinode-libraries-staging"
DATA_API, SERVERLESS = "RedshiftData.", "RedshiftServerless."


@dataclass(frozen=True)
class Sent:
    """A statement as it came, and its shape."""

    sql: str
    shape: str


@dataclass
class RedshiftEmulator:
    """`sent` is all that came, in order."""

    server: PostgresServer
    s3: Any
    workgroups: set[str] = field(default_factory=lambda: {WORKGROUP})
    sent: list[Sent] = field(default_factory=list)
    reviewed: frozenset[str] = REVIEWED
    port: int = 0
    """Where dbt connects."""

    def __post_init__(self) -> None:
        self.data_api = DataApi(self._connect, self.s3, self.review)

    def new_database(self) -> str:
        """An empty one."""
        name = f"t{uuid4().hex[:12]}"
        self.server.create_database(name)
        return name

    def behind(self, database: str, sql: str) -> list[tuple[Any, ...]]:
        """The result of PostgreSQL's own SQL in one of the databases, without the emulation."""
        connection = self.server.connect(database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def review(self, sql: str) -> None:
        sent = Sent(sql, shape(sql))
        self.sent.append(sent)
        if sent.shape not in self.reviewed:
            raise StatementFailed(f"ERROR: no one has reviewed a statement of this shape: {sent.shape}")

    def _connect(self, workgroup: str, database: str) -> Any:
        try:
            return self.server.connect(database)
        except psycopg2.OperationalError as error:
            if "does not exist" not in str(error):
                raise
            raise StatementFailed(f'FATAL: database "{database}" does not exist') from None

    def answer(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterator[bytes]:
        """A request of AWS's JSON protocol."""
        service, _, operation = environ["HTTP_X_AMZ_TARGET"].partition(".")
        request = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
        try:
            status, answer = 200, self._answered(service, operation, request)
        except ApiError as error:
            status, answer = error.status, {"__type": error.code, "message": str(error), **error.others}
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
        start(f"{status} Answered", headers)
        yield body

    def _answered(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if service == SERVERLESS.rstrip("."):
            return serverless.answer(operation, request, self.workgroups, self.port)
        if request.get("WorkgroupName", WORKGROUP) not in self.workgroups:
            raise ApiError("ValidationException", "Redshift endpoint doesn't exist in this region.")
        return self.data_api.answer(operation, request)


@contextmanager
def redshift_emulator(aws: "EmulatedAws") -> Iterator[RedshiftEmulator]:
    """In front of the emulated AWS, whose S3 it reads and writes."""
    with TemporaryDirectory() as folder, postgres_server() as server:
        write_certificates(Path(folder))
        certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.load_cert_chain(Path(folder, "server.pem"), Path(folder, "key.pem"))
        emulator = RedshiftEmulator(server, aws.client("s3"))
        aws.others |= {DATA_API: emulator.answer, SERVERLESS: emulator.answer}
        try:
            with (
                pytest.MonkeyPatch.context() as patch,
                redshift_port(server.port, certificate, emulator.review) as emulator.port,
            ):
                patch.setenv("SSL_CERT_FILE", str(Path(folder, "ca.pem")))
                yield emulator
        finally:
            del aws.others[DATA_API], aws.others[SERVERLESS]
