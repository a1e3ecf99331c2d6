"""A process that is killed at any moment loses no event that it has written, and its runs get their end."""

import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from vending_platform.lineage.events import LineageRun, lost
from vending_platform.lineage.outbox import EventType, Outbox, OutboxWriter, end_lost_runs, send
from vending_platform.lineage.outbox.transports import Http
from vending_platform_tests.forked import FORKED
from vending_platform_tests.lineage.events.specification import check_events
from vending_platform_tests.lineage.outbox.waiting import waiting

PARTS = 3
NOW = datetime(2024, 3, 1, tzinfo=UTC)
BEFORE_COMMIT, AFTER_COMMIT = "begin immediate", "commit"


def write_and_die(folder: Path, kill_at: int, moment: str) -> None:
    """A run with parts, killed with SIGKILL at one of its transactions: in the middle of it, or just after it."""
    outbox = Outbox(folder)
    writer = OutboxWriter(outbox)
    done = 0

    class Connection:
        def __init__(self, real: Any) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def execute(self, text: str, *values: Any) -> Any:
            nonlocal done
            result = self._real.execute(text, *values)
            if text == moment:
                done += 1
                if done == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
            return result

    outbox._connection = Connection(outbox._connection)  # type: ignore[assignment]
    root = LineageRun("all", "n", str(UUID(int=1)))
    writer.write([root.event(EventType.START, NOW)], lasting=True)
    for number in range(PARTS):
        part = root.part(f"part {number}", id=str(UUID(int=number + 2)))
        writer.write([part.event(EventType.START, NOW)])
        writer.write([part.event(EventType.COMPLETE, NOW)], lasting=True)
    writer.write([root.event(EventType.COMPLETE, NOW)], lasting=True)


def killed(folder: Path, kill_at: int, moment: str) -> int:
    """How many transactions it has committed."""
    process = FORKED.Process(target=write_and_die, args=(folder, kill_at, moment))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    return kill_at if moment == AFTER_COMMIT else kill_at - 1


def ended(start: Mapping[str, Any]) -> dict[str, Any]:
    return lost(start, NOW)


@pytest.mark.parametrize("moment", [BEFORE_COMMIT, AFTER_COMMIT])
@pytest.mark.parametrize("kill_at", range(1, 3 + 2 * PARTS))
def test_whenever_it_is_killed_the_backend_has_every_step_in_order_and_an_end_for_every_run(
    tmp_path: Path, httpserver: HTTPServer, kill_at: int, moment: str
) -> None:
    taken: list[dict[str, Any]] = []
    answers = iter([500, 201, 503])

    def take(request: Request) -> Response:
        status = next(answers, 201)
        if status == 201:
            taken.append(request.get_json())
        return Response("", status)

    httpserver.expect_request("/").respond_with_handler(take)
    committed = killed(tmp_path, kill_at, moment)
    with Outbox(tmp_path) as outbox:
        written = waiting(outbox)
        assert len(written) == committed
        still_open = len(list(outbox.open_runs()))
        assert end_lost_runs(outbox, ended) == still_open
        http = Http(httpserver.url_for("/"))
        while outbox.state().waiting:
            send(outbox, http, patient=False)
        http.close()
    assert taken[:committed] == written
    check_events(taken)
    last = {one["run"]["runId"]: one["eventType"] for one in taken}
    assert set(last.values()) <= {"COMPLETE", "ABORT"}
    assert list(last.values()).count("ABORT") == still_open


def test_two_that_send_and_write_at_once_lose_nothing(tmp_path: Path, httpserver: HTTPServer) -> None:
    taken: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        taken.append(request.get_json())
        return Response("", 201)

    httpserver.expect_request("/").respond_with_handler(take)
    writers = [FORKED.Process(target=write_all, args=(tmp_path, number)) for number in range(3)]
    for process in writers:
        process.start()
    with Outbox(tmp_path) as outbox:
        http = Http(httpserver.url_for("/"))
        while any(process.is_alive() for process in writers) or outbox.state().waiting:
            send(outbox, http)
        http.close()
    for process in writers:
        process.join()
        assert process.exitcode == 0
    check_events(taken)
    assert len(taken) == 3 * 2 * 20


def write_all(folder: Path, number: int) -> None:
    with Outbox(folder) as outbox, OutboxWriter(outbox) as writer:
        for step in range(20):
            run = LineageRun("job", "n", str(UUID(int=1 + number * 100 + step)))
            writer.write([run.event(EventType.START, NOW)])
            writer.write([run.event(EventType.COMPLETE, NOW)], lasting=True)
