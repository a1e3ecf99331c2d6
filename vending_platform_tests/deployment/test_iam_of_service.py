"""The role of the pipeline's API: what it requests from AWS, for each kind of request that it answers, and no more."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from starlette.testclient import TestClient

from vending_platform.environment import EnvironmentName
from vending_platform.exporting import Manifest, Part, RawFiles
from vending_platform.exporting.manifest import MANIFEST
from vending_platform.opening import Platform
from vending_platform.service.login import access_to
from vending_platform.service.pipeline.application import create_app
from vending_platform.service.pipeline.dagster_api import DagsterApi
from vending_platform.service.web import ALL_PERMISSIONS
from vending_platform.service.web.api_keys import new_key, new_session_key
from vending_platform.warehouse.duckdb import DuckDBSettings
from vending_platform.warehouse.snowflake import private_key_of
from vending_platform_tests.connections.conftest import processor
from vending_platform_tests.connections.people import agree
from vending_platform_tests.deployment.policies import KEY_ARN, is_allowed, policies
from vending_platform_tests.deployment.rights import BUCKET, Right, note_calls, right_in_s3
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.payments import PaymentProcessor

__all__ = ["processor"]
HOST, CLIENT_SECRET = "data.example.com", "of the platform at the processor"
EXPORT, FILE = "sales_by_day", "part.csv"


@pytest.fixture
def platform(aws: EmulatedAws, manifest: dict[str, Any], processor: PaymentProcessor, tmp_path: Path) -> Platform:
    """Production, with its secrets and one export."""
    aws.reset()
    processor.client_secret = CLIENT_SECRET
    environment = aws.environment(
        EnvironmentName.PRODUCTION,
        VENDING_KMS_KEY=KEY_ARN,
        VENDING_PAYMENTS_URL=processor.address,
        VENDING_SERVICE_HOST=HOST,
    )
    environment = replace(environment, warehouse=DuckDBSettings(path=str(tmp_path / "w.duckdb")), scratch=tmp_path)
    platform = Platform(environment, manifest)
    part = Part("2024-03-01", f"{EXPORT}/{FILE}", 1, 1, "0" * 64, "v", RawFiles("", 0, ""))
    written = Manifest(EXPORT, "mart", "", "", "csv", "utf-8", [], [part], "run")
    processed = platform.context.storage.processed
    processed.write(f"{EXPORT}/{FILE}", b"x")
    processed.write(f"{EXPORT}/manifest.json", MANIFEST.dump_json(written))
    return platform


def api_key(aws: EmulatedAws, platform: Platform) -> str:
    """One that may do everything, and all secrets of production."""
    environment = platform.environment
    assert environment.aws is not None
    ends = datetime.now(UTC) + timedelta(days=1)
    key, record = new_key("operations", ALL_PERMISSIONS, environment.domain, environment.name, ends)
    keys = json.dumps({"keys": [record.model_dump(mode="json")], "session_key": new_session_key()})
    known = environment.aws.secrets
    connection = environment.connections["payments"]
    values = {str(known.api_keys): keys, known.warehouse: "the key", str(connection.client_secret): CLIENT_SECRET}
    for name, value in values.items():
        aws.client("secretsmanager").create_secret(Name=name, SecretString=value)
    aws.client("secretsmanager").create_secret(Name=str(connection.token_secret))
    return key


def use_all_of_it(client: TestClient) -> None:
    assert client.get("/api/pipeline/status").status_code == HTTPStatus.OK
    assert client.get("/api/pipeline/latest").json()["exports"]
    address = f"/api/exports/{EXPORT}/files/{FILE}"
    link = client.get(address).headers["location"]
    assert urlopen(link).read() == b"x"
    assert client.get(address, params={"redirect": "false"}).content == b"x"
    for question in ("/api/quality", "/data/manifest.json", "/data/quality.json", "/data/lineage.json"):
        client.get(question)
    ordered = client.post("/api/pipeline/export", json={}, headers={"Idempotency-Key": "k"})
    assert ordered.status_code == HTTPStatus.SERVICE_UNAVAILABLE  # no Dagster is there
    url = client.post("/api/connections/payments/consent").json()["url"]
    back = client.get(f"/connections/payments/callback?{urlencode(agree(url))}")
    assert "outcome=connected" in back.headers["location"]
    assert client.get("/api/connections").json()[0]["is_connected"]
    assert client.delete("/api/connections/payments").status_code == HTTPStatus.OK


def test_the_service_may_do_what_it_does_and_nothing_else(
    aws: EmulatedAws, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Authorization": f"Bearer {api_key(aws, platform)}"}
    aws.requests.clear()
    rights: list[Right] = []
    note_calls(monkeypatch, rights)
    app = create_app(platform, access_to(platform.environment), DagsterApi("http://127.0.0.1:1", "vending"))
    with TestClient(app, f"https://{HOST}", headers=headers, follow_redirects=False) as client:
        use_all_of_it(client)
    assert private_key_of(platform.environment)  # as Snowflake is opened with it
    rights += [right_in_s3(request) for request in aws.requests if request.path.startswith(f"/{BUCKET}")]
    statements = policies()["service"]
    assert {right for right in rights if not is_allowed(statements, *right)} == set()
    for statement in statements:
        for action in statement.actions:
            for resource in statement.resources:
                single = replace(statement, actions=[action], resources=[resource])
                needed = action.startswith("kms:") or any(single.is_about(*right) for right in rights)
                assert needed, f"nothing needs {action} on {resource}"
