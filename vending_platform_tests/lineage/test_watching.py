"""People hear of lineage that does not leave, when it has waited for long or was refused."""

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vending_platform.environment import Environment, LineageTarget, LineageTransport, load
from vending_platform.lineage import outbox_finder
from vending_platform.lineage.outbox import Outbox
from vending_platform_tests.lineage.outbox.waiting import event

WRITTEN = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/v1/lineage"
    return replace(load("vending"), lineage=LineageTarget(tmp_path, LineageTransport.HTTP, url), scratch=tmp_path)


def found(environment: Environment, after: timedelta) -> list[tuple[str, str, int]]:
    problems = outbox_finder(environment, lambda: WRITTEN + after).find()
    return [(problem.about, problem.why, problem.count) for problem in problems]


def test_events_that_wait_for_long_are_a_problem_and_refused_ones_are_at_once(environment: Environment) -> None:
    assert environment.lineage is not None
    assert found(environment, timedelta()) == []
    with Outbox(environment.lineage.outbox) as outbox:
        outbox.write([event("a", "START"), event("a", "COMPLETE")], "w")
        assert found(environment, timedelta(minutes=59)) == []
        ((about, why, count),) = found(environment, timedelta(minutes=61))
        assert (about, count) == ("outbox", 2)
        assert "can't be reached" in why
        outbox.refuse(outbox.first(1)[0].number, "no")
    assert [about for about, _, _ in found(environment, timedelta())] == ["refused"]


def test_an_environment_without_lineage_has_no_such_problem(environment: Environment) -> None:
    assert found(replace(environment, lineage=None), timedelta(days=9)) == []
