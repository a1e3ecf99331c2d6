"""Names of what is not in the warehouse: by the specification's rules, and without anything that is secret."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vending_platform import environment
from vending_platform.catalog import Catalog
from vending_platform.environment import ApiAuth, ApiSettings, DatabaseSettings, Environment, ItemTableSettings
from vending_platform.lineage.events.lake_tables import lake_table
from vending_platform.lineage.events.systems import extracted_from, system_name
from vending_platform.warehouse import TableName

IN_AWS = {"ENV": "staging", "COMPANY": "hinode", "AWS_ACCOUNT": "123456789012", "SNOWFLAKE_ACCOUNT": "ab12345"}


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    return environment.load()


@pytest.fixture
def in_aws(monkeypatch: pytest.MonkeyPatch) -> Environment:
    for name, value in IN_AWS.items():
        monkeypatch.setenv(f"VENDING_{name}", value)
    return environment.load()


@pytest.mark.parametrize(
    ("url", "namespace", "name"),
    [
        ("mysql://reader:secret@db.example.com:3307/shop", "mysql://db.example.com:3307", "shop.orders"),
        ("mysql://reader@db.example.com/shop", "mysql://db.example.com:3306", "shop.orders"),
        ("mysql://reader@[fd00::1]:3306/shop", "mysql://[fd00::1]:3306", "shop.orders"),
    ],
)
def test_a_table_of_a_database(local: Environment, catalog: Catalog, url: str, namespace: str, name: str) -> None:
    databases = {"shop": DatabaseSettings(url, None, False, None, 5)}
    found = system_name(replace(local, databases=databases), catalog.source("shop_orders"))
    assert found == (namespace, name)


@pytest.mark.parametrize(
    ("endpoint", "namespace"),
    [
        (None, "dynamodb://dynamodb.ap-northeast-1.amazonaws.com"),
        ("http://key:secret@127.0.0.1:8000", "dynamodb://127.0.0.1:8000"),
    ],
)
def test_a_table_of_dynamodb(local: Environment, catalog: Catalog, endpoint: str | None, namespace: str) -> None:
    settings: dict[str, Any] = {"table": "app", "region": "ap-northeast-1", "endpoint": endpoint, "exports": None}
    table = ItemTableSettings(**settings, wait_minutes=1, warn_days=1, scan_units=1)
    found = system_name(replace(local, dynamodb={"app": table}), catalog.source("app_photos"))
    assert found == (namespace, "app")


def test_a_list_of_a_web_api(local: Environment, catalog: Catalog) -> None:
    limits: dict[str, Any] = {"requests_a_minute": 1, "timeout": 1, "attempts": 1, "longest_wait": 1}
    url = "https://user:secret@api.example.com:8443/base/?key=secret"
    api = ApiSettings(url=url, auth=ApiAuth.NONE, secret=None, sent_as=None, **limits)
    found = system_name(replace(local, apis={"weather": api}), catalog.source("weather_days"))
    assert found == ("https://api.example.com:8443", "base/v1/archive")


def test_a_system_that_is_not_declared_has_no_name(local: Environment, catalog: Catalog) -> None:
    undeclared = replace(local, databases={}, dynamodb={}, apis={})
    for name in ("shop_orders", "app_photos", "weather_days"):
        assert extracted_from(undeclared, catalog.source(name), {}) is None


def test_a_table_of_the_lake_in_aws(in_aws: Environment) -> None:
    assert in_aws.lake is not None
    name, found = lake_table(in_aws, in_aws.lake, TableName("gold", "fct_sales"))
    assert name == ("s3://hinode-vending-data-staging", "lake/gold/fct_sales")
    assert found["symlinks"]["identifiers"] == [
        {
            "namespace": "arn:aws:glue:ap-northeast-1:123456789012",
            "name": "table/staging_vending_gold/fct_sales",
            "type": "TABLE",
        }
    ]
    assert found["catalog"]["type"] == "glue"
