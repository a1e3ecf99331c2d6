"""The image's start as a function: `python -m awslambdaric HANDLER`, against Lambda's runtime API on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Any

import pytest

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.test_serving import event

pytestmark = pytest.mark.usefixtures("mariadb")
_ANSWER_SECONDS = 120


@dataclass
class Runtime:
    """Gives the events one after the other, and keeps what each was answered with."""

    events: Queue[Any] = field(default_factory=Queue)
    answers: Queue[tuple[str, Any]] = field(default_factory=Queue)

    def invoke(self, sent: Any) -> Any:
        self.events.put(sent)
        kind, answer = self.answers.get(timeout=_ANSWER_SECONDS)
        assert kind == "response", answer
        return answer


@contextmanager
def lambda_of(handler: str, log: IO[bytes], **variables: str) -> Iterator[Runtime]:
    runtime = Runtime()

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(json.dumps(runtime.events.get()).encode())

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            runtime.answers.put((self.path.rsplit("/", 1)[1], json.loads(content)))
            self._send(b"{}")

        def _send(self, content: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            headers = {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                "Lambda-Runtime-Aws-Request-Id": "1",
                "Lambda-Runtime-Trace-Id": "Root=1-5e1b4151-43a0913a12345678901234567",
                "Lambda-Runtime-Deadline-Ms": "9999999999999",
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:x:1:function:f",
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as its base calls it
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        api = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"}
        words = [sys.executable, "-m", "awslambdaric", handler]
        environment = {**os.environ, **variables, **api}
        with subprocess.Popen(words, cwd=PROJECT_DIR, env=environment, stderr=log, stdout=log) as process:
            try:
                yield runtime
            finally:
                runtime.events.put({})  # for the request that is waiting
                process.kill()
                server.shutdown()


def test_the_shop_answers_requests_and_schedules_in_a_function(mariadb: MariaDb, filled: str, tmp_path: Path) -> None:
    handler, path = "vending_platform.service.shop.aws_lambda.handler", tmp_path / "log"
    with path.open("wb") as log, lambda_of(handler, log, VENDING_SHOP_API_DATABASE=mariadb.url(filled)) as runtime:
        for _ in range(2):
            answer = runtime.invoke(event("GET", "/shop/v1/products/P001"))
            assert (answer["statusCode"], json.loads(answer["body"])["product_id"]) == (200, "P001")
            assert runtime.invoke({"do": "due"}) == {"placed": 0, "problems": 0}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["message"] for line in lines if "P001" in line["message"]] == []
    assert len([line for line in lines if line["message"] == "GET /shop/v1/products/{product_id} 200"]) == 2
