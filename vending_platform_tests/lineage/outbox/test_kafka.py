"""Kafka's own client against the broker that it can simulate: real requests, no server to install."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vending_platform.errors import ConfigurationError
from vending_platform.lineage.outbox import Outbox, Sent, send
from vending_platform.lineage.outbox import kafka as module
from vending_platform.lineage.outbox.kafka import Kafka
from vending_platform_tests.lineage.outbox.waiting import event, waiting


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path) as opened:
        opened.write([event("a", "START"), event("a", "COMPLETE")], "w")
        yield opened


def test_a_broker_takes_every_event(outbox: Outbox) -> None:
    kafka = Kafka("", "lineage", {"test.mock.num.brokers": 1})
    assert send(outbox, kafka) == Sent(2)
    kafka.close()
    assert waiting(outbox) == []


def test_no_broker_loses_nothing(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.3)
    kafka = Kafka("127.0.0.1:1", "lineage", {"log_level": 0})
    sent = send(outbox, kafka)
    assert (sent.events, "Kafka did not take lineage events" in (sent.problem or "")) == (0, True)
    kafka.close()
    assert len(waiting(outbox)) == 2


def test_without_the_library_a_sentence_says_what_to_install(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "confluent_kafka", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'vending-platform\[kafka\]'"):
        send(outbox, Kafka("x", "lineage"))
