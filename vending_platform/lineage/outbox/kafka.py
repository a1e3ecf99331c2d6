"""Kafka as a backend: the events of a run go to one partition of a topic, in their order."""

import json
from collections.abc import Sequence
from typing import Any

from vending_platform.errors import ConfigurationError
from vending_platform.lineage.outbox.store import WaitingEvent
from vending_platform.lineage.outbox.transports import BackendDown

_SECONDS = 10.0
"""How long the servers may take for a batch."""


class Kafka:
    """`servers` as Kafka's clients take them: `host:port, host:port`. `settings` are librdkafka's own."""

    def __init__(self, servers: str, topic: str, settings: dict[str, Any] | None = None) -> None:
        self._topic = topic
        self._settings = {
            "bootstrap.servers": servers,
            "enable.idempotence": True,  # a retry within the client neither doubles an event nor changes the order
            "message.timeout.ms": int(_SECONDS * 1000),
            **(settings or {}),
        }
        self._producer: Any = None

    @property
    def batch(self) -> int:
        return 500

    @property
    def is_eager(self) -> bool:
        return True

    def send(self, events: Sequence[WaitingEvent]) -> None:
        producer = self._opened()
        problems: list[str] = []

        def delivered(error: Any, _: Any) -> None:
            if error is not None:
                problems.append(str(error))

        for event in events:
            key = json.loads(event.body)["run"]["runId"]
            producer.produce(self._topic, event.body.encode(), key=key.encode(), on_delivery=delivered)
        left = producer.flush(_SECONDS)
        if problems or left:
            self.close()
            why = problems[0] if problems else f"{left} events were not taken within {_SECONDS:.0f} seconds"
            raise BackendDown(f"Kafka did not take lineage events for the topic {self._topic}: {why}")

    def close(self) -> None:
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _opened(self) -> Any:
        if self._producer is None:
            try:
                from confluent_kafka import Producer
            except ImportError:
                raise ConfigurationError(
                    "lineage.transport is kafka, and confluent-kafka is not installed:"
                    " pip install 'vending-platform[kafka]'"
                ) from None
            self._producer = Producer(self._settings)
        return self._producer
