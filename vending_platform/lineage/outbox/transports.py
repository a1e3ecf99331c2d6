"""The ways to a backend: files in a folder or in S3, HTTP, Kafka."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Protocol
from urllib.parse import urlsplit

from vending_platform import secrets
from vending_platform.accounts import check_account
from vending_platform.environment import Environment, LineageTarget, LineageTransport
from vending_platform.errors import EXPECTED, ConfigurationError, Unavailable
from vending_platform.lineage.outbox.store import WaitingEvent
from vending_platform.storage import Place, open_place


class BackendDown(Unavailable):
    """It takes no event now; those before `number` it has taken."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.number = number


class Refused(ConfigurationError):
    """It will never take the event of this `number`; those before it in the batch it has taken."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class Transport(Protocol):
    @property
    def batch(self) -> int:
        """So many events at a time at most."""

    @property
    def is_eager(self) -> bool:
        """Whether to send while a run is under way; where a batch is a file, at its end is better."""

    def send(self, events: Sequence[WaitingEvent]) -> None:
        """In this order. Afterwards the backend has them all; `BackendDown` or `Refused` if it has not."""

    def close(self) -> None: ...


class Files:
    """A file of JSON lines for each batch. Its name says which events are in it, so a batch that is sent twice is there
    once. `outbox` tells those apart that share a place."""

    batch = 10_000
    is_eager = False

    def __init__(self, opened: Callable[[], Place], outbox: str) -> None:
        self._opened, self._outbox = opened, outbox

    @cached_property
    def _place(self) -> Place:
        return self._opened()

    def send(self, events: Sequence[WaitingEvent]) -> None:
        first, last = events[0], events[-1]
        day = json.loads(first.body)["eventTime"][:10]
        lines = "".join(f"{one.body}\n" for one in events)
        try:
            self._place.write(f"{day}/{self._outbox}-{first.number:012}-{last.number:012}.jsonl", lines.encode())
        except EXPECTED as error:
            raise BackendDown(f"lineage events can't be written: {error}") from error

    def close(self) -> None: ...


class Http:
    """POST of one event after the other on one connection, as the specification's servers take them."""

    batch = 100
    is_eager = True
    _LATER = frozenset({401, 403, 404, 408, 425, 429})
    """Answers that are about the server or the key, not about the event."""

    def __init__(self, url: str, read_key: Callable[[], str] | None = None, timeout: float = 5.0) -> None:
        self._url, self._read_key, self._timeout = urlsplit(url), read_key, timeout
        self._connection: HTTPConnection | None = None
        self._headers: dict[str, str] | None = None

    def send(self, events: Sequence[WaitingEvent]) -> None:
        for event in events:
            try:
                response = self._post(event.body.encode())
                reason = f"{response.status} {response.reason}"
                response.read()
            except (OSError, HTTPException) as error:
                self.close()
                why = f"can't be reached: {type(error).__name__}: {error}"
                raise BackendDown(f"the lineage backend {self._url.netloc} {why}", event.number) from error
            if response.status >= 500 or response.status in self._LATER or 300 <= response.status < 400:
                self.close()
                raise BackendDown(f"the lineage backend {self._url.netloc} answers {reason}", event.number)
            if response.status >= 400:
                raise Refused(f"the lineage backend {self._url.netloc} answers {reason} to this event", event.number)

    def _post(self, body: bytes) -> HTTPResponse:
        if self._connection is None:
            kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
            self._connection = kind(self._url.netloc, timeout=self._timeout)
            self._headers = {"Content-Type": "application/json"}
            if self._read_key is not None:
                self._headers["Authorization"] = f"Bearer {self._read_key()}"
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        self._connection.request("POST", path, body, self._headers or {})
        return self._connection.getresponse()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_transport(environment: Environment, target: LineageTarget, outbox: str) -> Transport:
    """The one that the environment declares, for the outbox of this name. Nothing is connected before the first event
    is sent."""
    match target.transport:
        case LineageTransport.FILE:
            return Files(lambda: _opened(environment, target), outbox)
        case LineageTransport.HTTP:
            return Http(target.to, _key_reader(environment))
        case LineageTransport.KAFKA:
            from vending_platform.lineage.outbox.kafka import Kafka

            return Kafka(target.to, str(target.topic))


def _opened(environment: Environment, target: LineageTarget) -> Place:
    if environment.aws is not None:
        check_account(environment)
    return open_place(target.to, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key)


def _key_reader(environment: Environment) -> Callable[[], str] | None:
    aws = environment.aws
    if aws is None or aws.secrets.lineage is None:
        return None
    name = aws.secrets.lineage
    return lambda: secrets.fetch(aws, name).get_secret_value()
