"""`vending extract` is a run with lineage, also when a system does not answer."""

from pathlib import Path

import pytest

from vending_platform import environment
from vending_platform_tests.cli.running import FAILED, told, vending
from vending_platform_tests.lineage.events.sent import ends, flushed_events
from vending_platform_tests.lineage.events.specification import check_events

NOWHERE = "mysql://reader:Canary@127.0.0.1:1/shop"
"""No one listens on this port."""


def test_a_system_that_does_not_answer_fails_the_run_up_to_its_root(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_SHOP_DATABASE", NOWHERE)
    result = vending("extract", "shop_orders")
    assert result.exit_code == FAILED
    assert "nothing answers for shop on 127.0.0.1:1" in told(result)
    events = flushed_events(environment.load())
    check_events(events)
    assert ends(events) == dict.fromkeys(["vending extract", "extract", "extract.shop_orders"], "FAIL")
    assert "Canary" not in str(events)
