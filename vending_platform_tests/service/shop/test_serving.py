"""How the shop is started: from the settings of an environment, by the command, in Lambda."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from vending_platform import environment
from vending_platform.cli import app as command
from vending_platform.environment import SettingsError
from vending_platform.service.shop import aws_lambda
from vending_platform.service.shop.start import shop_app
from vending_platform.service.web.api_keys import KeyRecord
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.test_serving import event

pytestmark = pytest.mark.usefixtures("mariadb")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The one that Lambda's runtime would have."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    aws_lambda._adapter.cache_clear()
    yield loop
    aws_lambda._adapter.cache_clear()
    asyncio.set_event_loop(None)
    loop.close()


def test_in_lambda_one_connection_serves_all_invocations(
    mariadb: MariaDb,
    filled: str,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("VENDING_SHOP_API_DATABASE", mariadb.url(filled))
    caplog.set_level(logging.INFO)
    order = {"customer_id": 1, "payment_method": "card", "lines": [{"product_id": "P001", "cases": 1}]}
    sent = event("POST", "/shop/v1/orders", json.dumps(order))
    sent["headers"]["idempotency-key"] = "in-lambda"
    answers = [aws_lambda.handler(sent, None) for _ in range(3)]
    assert [answer["statusCode"] for answer in answers] == [201] * 3
    bodies = [json.loads(answer["body"]) for answer in answers]
    assert [body["is_repeated"] for body in bodies] == [False, True, True]
    path = f"/shop/v1/orders/{bodies[0]['order']['order_id']}"
    assert json.loads(aws_lambda.handler(event("GET", path), None)["body"]) == bodies[0]["order"]
    messages = [record.getMessage() for record in caplog.records]
    assert "GET /shop/v1/orders/{order_id} 200" in messages
    assert not [message for message in messages if path in message]
    app: Any = aws_lambda._adapter().app
    assert app.state.database._pool.open == 1
    loop.run_until_complete(app.state.database.close())


def test_a_domain_without_a_shop_says_so() -> None:
    with pytest.raises(SettingsError, match="declares no API 'shop'"):
        shop_app(replace(environment.load(), database_apis={}))


def test_the_command_serves_what_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, words: started.append(words[1:]))
    run = CliRunner()
    assert run.invoke(command, ["serve", "shop", "--port", "8123"]).exit_code == 0
    assert started == [["-m", "vending_platform.service", "shop", "--host", "127.0.0.1", "--port", "8123"]]
    unknown = run.invoke(command, ["serve", "shopp"])
    assert (unknown.exit_code, "there are: pipeline, shop" in unknown.stderr) == (2, True)


def test_a_key_of_the_shop_is_for_its_secret_and_its_customer(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, value in aws.variables().items():
        monkeypatch.setenv(setting, value)
    words = ["new-key", "office-42", "--api", "shop", "--may", "read", "--may", "write", "--acts-for", "42"]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    record = KeyRecord.model_validate_json(result.stdout.splitlines()[1])
    assert (record.acts_for, sorted(record.permissions)) == ("42", ["read", "write"])
    assert "vending/staging/shop-api-keys" in result.stderr
    unknown = CliRunner().invoke(command, ["new-key", "x", "--api", "shopp"])
    assert (unknown.exit_code, "there are: shop" in unknown.stderr) == (2, True)
