"""How an extraction signs in: with a secret, over TLS with the certificate checked, and what it says if it can't."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from vending_platform import secrets
from vending_platform.environment import DatabaseSettings
from vending_platform.extraction import ExtractionError, SystemUnavailable, mysql
from vending_platform.extraction.mysql.connection import MySqlSession, session, target_of
from vending_platform_tests.emulators.mariadb import PASSWORD, READER, MariaDb
from vending_platform_tests.extraction.parts import settings_of

pytestmark = pytest.mark.usefixtures("mariadb")

CANARY = "canary-in-the-mine"


def opened(settings: DatabaseSettings, ask: Callable[[MySqlSession], Any]) -> Any:
    target = target_of("db", settings, None)
    with session(target, settings) as found:
        return ask(found)


def cipher(found: MySqlSession) -> str:
    return str(found.query("show session status like 'Ssl_cipher'")[0][1])


def test_verified_means_encrypted_by_a_server_whose_certificate_is_known(mariadb: MariaDb, database: str) -> None:
    settings = settings_of(mariadb, database, is_verified=True, authority=str(mariadb.authority))
    assert opened(settings, cipher)
    with pytest.raises(SystemUnavailable, match="certificate verify failed"):
        opened(replace(settings, authority=None), cipher)
    assert not opened(replace(settings, is_verified=False), cipher)


def test_a_query_ends_after_the_declared_minutes(mariadb: MariaDb, database: str) -> None:
    settings = settings_of(mariadb, database, statement_minutes=7)
    assert opened(settings, lambda found: found.query("select @@max_statement_time"))[0][0] == 420


def test_the_user_and_the_password_come_from_the_secret(
    mariadb: MariaDb, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.dumps({"username": READER, "password": PASSWORD, "host": "127.0.0.1", "port": mariadb.port})
    monkeypatch.setattr(secrets, "fetch", lambda _, name: SecretStr({"place/shop": content}[name]))
    settings = DatabaseSettings("mysql://nobody@nowhere/x".replace("x", database), "place/shop", False, None, 5)
    aws: Any = object()
    target = target_of("db", settings, aws)
    assert PASSWORD not in repr(target)
    with session(target, settings) as found:
        assert found.query("select current_user()")[0][0].startswith(READER)
    monkeypatch.setattr(secrets, "fetch", lambda *_: SecretStr("no JSON"))
    with pytest.raises(ExtractionError, match="must be JSON with username and password"):
        target_of("db", settings, aws)


@pytest.mark.parametrize("url", ["postgres://u@h/d", "mysql://u@h/", "mysql:///d", "mysql://u@h/a/b"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    url = url.replace("u@", f"u:{CANARY}@")
    with pytest.raises(ExtractionError, match="the address of database db can't be used") as caught:
        target_of("db", DatabaseSettings(url, None, False, None, 5), None)
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(DatabaseSettings(url, None, False, None, 5))


def test_what_prevents_signing_in_is_one_sentence(mariadb: MariaDb, database: str) -> None:
    settings = settings_of(mariadb, database)
    wrong = replace(settings, url=mariadb.url(database, f"{READER}:{CANARY}"))
    with pytest.raises(ExtractionError, match="needs the right to SELECT") as caught:
        mysql.proposed("db", wrong, None)
    assert CANARY not in str(caught.value)
    with pytest.raises(ExtractionError, match="Unknown database 'not_there'"):
        mysql.proposed("db", settings_of(mariadb, "not_there"), None)
    dead = replace(settings, url=f"mysql://{READER}:{CANARY}@127.0.0.1:1/{database}")
    with pytest.raises(SystemUnavailable, match=r"127\.0\.0\.1:1") as lost:
        mysql.proposed("db", dead, None)
    assert CANARY not in str(lost.value)


def test_a_database_without_a_table_proposes_nothing(mariadb: MariaDb, database: str) -> None:
    with pytest.raises(ExtractionError, match="has no table"):
        mysql.proposed("db", settings_of(mariadb, database), None)
