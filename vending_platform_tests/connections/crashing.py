"""A worker in a process of its own, which kills itself at a moment of a renewal."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vending_platform.connections import ServiceConnection
from vending_platform.connections.store import SecretStore
from vending_platform.environment import Encryption
from vending_platform.storage import LocalPlace, Place, open_place
from vending_platform_tests.connections.people import PassingTime, connect, connection_at
from vending_platform_tests.emulators.aws import BUCKET, EmulatedAws
from vending_platform_tests.forked import FORKED

SECRET = "vending/staging/payments-tokens"


@dataclass(frozen=True)
class Workshop:
    """Where workers run: on a laptop, or in the cloud if there is an endpoint of AWS."""

    address: str
    folder: Path
    aws_endpoint: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def work(self) -> Place:
        if self.aws_endpoint is None:
            return LocalPlace(self.folder / "work")
        target = EmulatedAws(self.aws_endpoint).environment().aws
        return open_place(f"s3://{BUCKET}/staging", target, encryption=Encryption.SSE_S3)

    def connect(self) -> None:
        connect(self._open(), self.work)

    def open(self, time: PassingTime | None = None) -> ServiceConnection:
        """As a worker of its own does, for which the first token is over."""
        connection = self._open(time)
        connection.now = lambda: datetime.now(UTC) + timedelta(hours=1)
        return connection

    def _open(self, time: PassingTime | None = None) -> ServiceConnection:
        if self.aws_endpoint is None:
            return connection_at(self.address, self.folder, time=time)
        target = EmulatedAws(self.aws_endpoint).environment().aws
        assert target is not None
        store = SecretStore(target, SECRET)
        return connection_at(self.address, self.folder, store=store, work=self.work, time=time)


def killed_at(workshop: Workshop, point: str) -> None:
    """A worker that needs a token, and is killed when its renewal comes to this point."""
    process = FORKED.Process(target=_work_until, args=(workshop, point))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _work_until(workshop: Workshop, point: str) -> None:
    os.environ.update(workshop.variables)  # the server that all such processes come from has those of its start
    connection = workshop.open()

    def die(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    connection.on_point = die
    connection.access_token()
