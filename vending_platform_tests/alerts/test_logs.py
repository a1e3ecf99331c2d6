"""Logs and metrics as machines read them."""

import io
import json
import logging
from typing import Any

import pytest

from vending_platform.alerts import JsonLines, Number, Unit, log_as_json, measured
from vending_platform.alerts.metrics import METRICS
from vending_platform.warehouse import noisy_loggers
from vending_platform_tests.alerts.parts import NOON


class Lines:
    """A logger, and the objects that came out of it."""

    def __init__(self) -> None:
        self.written = io.StringIO()
        self.logger = logging.Logger("vending_platform.test", logging.INFO)
        handler = logging.StreamHandler(self.written)
        handler.setFormatter(JsonLines())
        self.logger.addHandler(handler)

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.getvalue().split("\n")[:-1]]


def test_a_line_is_one_object_that_says_what_it_is_about() -> None:
    lines = Lines()
    lines.logger.info(
        "loaded %d\nfiles of 売上", 3, extra={"run": "r1", "asset": "raw/sales", "partition": "2024-03-05"}
    )
    (said,) = lines.objects()
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "INFO",
        "logger": "vending_platform.test",
        "message": "loaded 3\nfiles of 売上",
        "run": "r1",
        "asset": "raw/sales",
        "partition": "2024-03-05",
    }


def test_an_exception_is_part_of_its_line_without_its_secrets() -> None:
    lines = Lines()
    try:
        raise ConnectionError("https://user:hunter2@warehouse refused password=hunter2")
    except ConnectionError:
        lines.logger.exception("token=hunter2 does not work")
    (said,) = lines.objects()
    assert "ConnectionError: https://***@warehouse refused ***" in said["exception"]
    assert "hunter2" not in json.dumps(said)


def test_nothing_that_can_be_logged_breaks_a_line() -> None:
    lines = Lines()
    lines.logger.info("odd", extra={"fields": {"a": object, "b": NOON, "c": "a\udc81\x00b\u2028"}})
    (said,) = lines.objects()
    assert (said["b"], said["c"]) == ("2024-03-15 12:00:00+00:00", "a?\x00b\u2028")


def test_logging_as_json_twice_says_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("vending_platform.test")
    log_as_json(logger)
    log_as_json(logger)
    logger.info("once")
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["once"]


def test_how_a_library_connected_is_worth_no_line_but_what_worries_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("botocore.credentials")
    log_as_json(logger)
    logger.info("found them")
    logger.warning("they are old")
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["they are old"]


def test_libraries_of_a_warehouse_are_as_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("snowflake.connector.connection")
    log_as_json(logger, noisy_loggers())
    logger.info("connected")
    logger.warning("the network is slow")
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["the network is slow"]


def test_numbers_are_metrics_for_the_environment_and_by_what_is_few(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, METRICS.name)
    numbers = [Number("Files", 8), Number("Lag", 1.5, Unit.SECONDS)]
    measured("loaded sales", "staging", numbers, by={"Source": "sales"}, at=NOON, about={"run": "r1"})
    (record,) = caplog.records
    said = json.loads(JsonLines().format(record))
    assert said["_aws"] == {
        "Timestamp": 1710504000000,
        "CloudWatchMetrics": [
            {
                "Namespace": "Vending",
                "Dimensions": [["Environment"], ["Environment", "Source"]],
                "Metrics": [{"Name": "Files", "Unit": "Count"}, {"Name": "Lag", "Unit": "Seconds"}],
            }
        ],
    }
    # Every dimension and every metric that is named must be a field of the line.
    assert (said["Environment"], said["Source"], said["Files"], said["Lag"]) == ("staging", "sales", 8, 1.5)
    assert (said["run"], said["message"]) == ("r1", "loaded sales: Files 8, Lag 1.5")
