"""What the tests of connections share."""

from collections.abc import Iterator

import pytest

from vending_platform_tests.emulators.payments import PaymentProcessor, payment_processor


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[PaymentProcessor]:
    monkeypatch.setattr("vending_platform.connections.connection._PAUSE", 0.0)
    with payment_processor() as served:
        yield served
