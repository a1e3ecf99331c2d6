"""AWS on this machine: moto behind a real HTTP server, with the buckets of staging and production in it.

`emulated_aws()` is for code that needs one; the fixture `aws` is one per test process. It answers as moto does, except
where a test uses `failing`.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.request import urlopen

import pytest

from vending_platform.environment import Environment, EnvironmentName, load

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ACCOUNT = "123456789012"
"""moto's own; every bucket belongs to it."""
COMPANY = "hinode"
REGION = "ap-northeast-1"
BUCKET = f"{COMPANY}-vending-data-staging"
_BUCKETS = (BUCKET, f"{COMPANY}-vending-data-prod")
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAEMULATED",
    "AWS_SECRET_ACCESS_KEY": "emulated",
    "AWS_SESSION_TOKEN": "emulated",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Refusal:
    """An error of AWS, such as `Refusal(503, "SlowDown")`."""

    status: int
    code: str
    message: str = "said the emulator"


DROPPED = Refusal(0, "the connection breaks in the middle of the answer")
Rule = Callable[[Request], Refusal | None]


@dataclass
class EmulatedAws:
    """`requests` is all requests since the last `reset`."""

    endpoint: str
    requests: list[Request] = field(default_factory=list)
    rule: Rule | None = None
    others: "dict[str, Callable[[WSGIEnvironment, StartResponse], Iterator[bytes]]]" = field(default_factory=dict)
    """Who answers in moto's place, by how the name of the requested operation (`X-Amz-Target`) begins."""

    def variables(self, name: EnvironmentName = EnvironmentName.STAGING) -> dict[str, str]:
        """The settings of staging or production on this machine."""
        own = {"VENDING_KMS_KEY": "alias/vending"} if name is EnvironmentName.PRODUCTION else {}
        return own | {
            "VENDING_ENV": name,
            "VENDING_COMPANY": COMPANY,
            "VENDING_AWS_ACCOUNT": ACCOUNT,
            "VENDING_AWS_REGION": REGION,
            "VENDING_AWS_ENDPOINT": self.endpoint,
            "VENDING_S3_ENDPOINT": self.endpoint,
            "VENDING_S3_ADDRESSING": "path",
            "VENDING_SNOWFLAKE_ACCOUNT": "ab12345.ap-northeast-1",
        }

    def environment(self, name: EnvironmentName = EnvironmentName.STAGING, **variables: str) -> Environment:
        others = {key: value for key, value in os.environ.items() if not key.startswith("VENDING_")}
        with patch.dict(os.environ, others | self.variables(name) | variables, clear=True):
            return load()

    def client(self, service: str) -> Any:
        """A client of the test's own, which knows nothing of the platform's settings."""
        return _client(service, self.endpoint)

    def reset(self) -> None:
        """Empty, but for the buckets."""
        urlopen(f"{self.endpoint}/moto-api/reset", data=b"").close()
        for bucket in _BUCKETS:
            self.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.requests.clear()

    @contextmanager
    def failing(self, rule: Rule) -> Iterator[None]:
        """Meanwhile every request is answered by the rule, and by moto where it returns None."""
        self.rule = rule
        try:
            yield
        finally:
            self.rule = None

    def answering(self, operation: str, moto: Any) -> Any:
        return next((answer for start, answer in self.others.items() if operation.startswith(start)), moto)

    def refusal_of(self, request: Request) -> Refusal | None:
        self.requests.append(request)
        if request.headers.get("X_AMZ_EXPECTED_BUCKET_OWNER", ACCOUNT) != ACCOUNT:
            return Refusal(403, "AccessDenied")  # as S3 does; moto does not look
        return self.rule(request) if self.rule is not None else None


@cache
def _client(service: str, endpoint: str) -> Any:
    import boto3

    make: Any = boto3.client
    return make(service, endpoint_url=endpoint, region_name=REGION)


def times(count: int, refusal: Refusal, of: Callable[[Request], bool] = lambda _: True) -> Rule:
    """Refuses the first so many of these requests."""
    left = iter([refusal] * count)
    return lambda request: next(left, None) if of(request) else None


@contextmanager
def emulated_aws() -> Iterator[EmulatedAws]:
    """AWS on a free port of this machine, and credentials for it in this process's variables, until the end."""
    from botocore.loaders import create_loader
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server  # with moto a second and a half of imports

    class Handler(MotoRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any) -> None:
            """Nobody reads it."""

    moto = DomainDispatcherApplication(create_backend_app)

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterator[bytes]:
        headers = {key[5:]: value for key, value in environ.items() if key.startswith("HTTP_")}
        path, query = environ["PATH_INFO"].encode("latin-1").decode(), environ["QUERY_STRING"]
        refusal = emulated.refusal_of(Request(environ["REQUEST_METHOD"], path, query, headers))
        if refusal is None:
            yield from emulated.answering(headers.get("X_AMZ_TARGET", ""), moto)(environ, start)
        elif refusal is DROPPED:
            body = b"".join(emulated.answering(headers.get("X_AMZ_TARGET", ""), moto)(environ, start))
            yield body[: len(body) // 2]
            raise ConnectionResetError
        else:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = _body(refusal, environ) if environ["REQUEST_METHOD"] != "HEAD" else b""
            elsewhere = [("x-amz-bucket-region", "us-west-2")] if refusal.status == 301 else []
            start(f"{refusal.status} Refused", [("Content-Length", str(len(body))), *elsewhere])
            yield body

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    emulated = EmulatedAws(f"http://127.0.0.1:{server.port}")
    try:
        # Every client reads the description of its service again: a tenth of a second, and a suite makes a hundred.
        with pytest.MonkeyPatch.context() as settings, patch("botocore.session.create_loader", cache(create_loader)):
            for name, value in _CREDENTIALS.items():
                settings.setenv(name, value)
            emulated.reset()
            yield emulated
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _body(refusal: Refusal, environ: "WSGIEnvironment") -> bytes:
    if "json" in environ.get("CONTENT_TYPE", ""):
        return json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    error = f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
    is_s3 = environ["PATH_INFO"] != "/"  # the only service that is requested by path
    return (error if is_s3 else f"<ErrorResponse>{error}</ErrorResponse>").encode()


@pytest.fixture(scope="session")
def aws() -> Iterator[EmulatedAws]:
    """One for all tests of the process: a test that needs it empty calls `reset`."""
    with emulated_aws() as emulated:
        yield emulated
