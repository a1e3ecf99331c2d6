"""Policies for what one environment has and another one has not: tables that are scanned, APIs over a database."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from vending_platform.environment import EnvironmentName
from vending_platform.service.shop.start import shop_app
from vending_platform.service.web import Permission
from vending_platform.service.web.api_keys import new_key, new_session_key
from vending_platform_tests.deployment.policies import ABSENT, blanks, is_allowed, policy
from vending_platform_tests.deployment.rights import ARN, Right, note_calls
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.dynamodb import emulated_exports
from vending_platform_tests.extraction.dynamodb.parts import ExtractedItems


def test_of_a_table_without_exports_the_platform_may_scan_it_and_no_more(
    aws: EmulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights: list[Right] = []
    with emulated_exports(aws) as emulator:
        emulator.create_table("scanned", "pk", "sk")
        app = ExtractedItems(emulator, "scanned", tmp_path, is_scanned=True)
        app.put("C#1", "REFUND#1", kind="refund")
        note_calls(monkeypatch, rights)
        assert [one.problem for one in app.extract()] == [None, None]
    table = f"{ARN.format('dynamodb')}table/scanned"
    exports = dict.fromkeys(("exported_tables", "table_exports", "item_exports"), ABSENT)
    statements = policy("platform", blanks("prod") | exports | {"item_tables": table, "scanned_tables": table})
    of_items = {
        (action, resource)
        for statement in statements
        for action in statement.actions
        for resource in statement.resources
        if action.startswith("dynamodb:")
    }
    assert set(rights) == of_items == {("dynamodb:DescribeTable", table), ("dynamodb:Scan", table)}


def test_an_api_over_a_database_reads_its_own_two_secrets(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.reset()
    environment = aws.environment(
        EnvironmentName.PRODUCTION,
        VENDING_KMS_KEY="arn:aws:kms:ap-northeast-1:123456789012:key/1",
        VENDING_SERVICE_HOST="shop-api.example.com",
    )
    settings = environment.database_apis["shop"]
    may, ends = frozenset({Permission.READ, Permission.MANAGE}), datetime.now(UTC) + timedelta(days=1)
    key, record = new_key("web-shop", may, environment.domain, environment.name, ends)
    values = {
        str(settings.keys_secret): {"keys": [record.model_dump(mode="json")], "session_key": new_session_key()},
        str(settings.database.secret): {"username": "api", "password": "x", "host": "127.0.0.1", "port": 1},
    }
    for name, value in values.items():
        aws.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))
    rights: list[Right] = []
    note_calls(monkeypatch, rights)
    with TestClient(shop_app(environment), "https://shop-api.example.com", raise_server_exceptions=False) as client:
        answer = client.get("/shop/v1/products", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE  # as no database is there
    statements = policy("database-api", blanks("prod"))
    assert {right for right in rights if not is_allowed(statements, *right)} == set()
    (reads,) = (statement for statement in statements if statement.actions == ["secretsmanager:GetSecretValue"])
    assert {resource.removesuffix("-??????") for resource in reads.resources} == {
        resource.removesuffix("-AbCdEf") for _, resource in rights
    }
