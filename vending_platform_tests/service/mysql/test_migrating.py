"""Tables are changed by a person's command, file by file, each once, and a run that was ended goes on."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vending_platform.cli import app as command
from vending_platform.environment import DatabaseAddress
from vending_platform.errors import NotAllowed
from vending_platform.service.mysql import (
    DatabaseUnavailable,
    Migration,
    apply_migrations,
    migrations_of,
    pending_migrations,
)
from vending_platform.service.mysql.errors import DatabaseRefused
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.mysql.test_database import settings_of

pytestmark = pytest.mark.usefixtures("mariadb")
FIRST = Migration("0001_a.sql", "-- A table; of one column.\ncreate table if not exists a (x int);\n")
SECOND = Migration("0002_b.sql", "create table if not exists b (x int);\ninsert into b values (1);\n")


def test_each_file_is_applied_once(mariadb: MariaDb, database: str) -> None:
    settings = settings_of(mariadb, database)
    assert pending_migrations("shop", settings, None, [FIRST]) == [FIRST]
    assert apply_migrations("shop", settings, None, [FIRST]) == [FIRST]
    assert pending_migrations("shop", settings, None, [FIRST, SECOND]) == [SECOND]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: apply_migrations("shop", settings, None, [FIRST, SECOND]), range(4)))
    assert sorted(map(len, done)) == [0, 0, 0, 1]
    assert mariadb.client("select count(*) from b", database) == "1\n"


def test_a_run_that_was_ended_in_the_middle_goes_on(mariadb: MariaDb, database: str) -> None:
    settings = settings_of(mariadb, database)
    broken = Migration(SECOND.name, SECOND.sql.replace("insert into b values (1)", "insert into c values (1)"))
    with pytest.raises(DatabaseRefused, match=r"0002_b.sql: .*c' doesn't exist"):
        apply_migrations("shop", settings, None, [FIRST, broken])
    assert pending_migrations("shop", settings, None, [FIRST, SECOND]) == [SECOND]
    assert apply_migrations("shop", settings, None, [FIRST, SECOND]) == [SECOND]


def test_what_was_applied_stays_as_it_is(mariadb: MariaDb, database: str) -> None:
    settings = settings_of(mariadb, database)
    apply_migrations("shop", settings, None, [FIRST])
    changed = Migration(FIRST.name, FIRST.sql + "drop table a;")
    with pytest.raises(NotAllowed, match="write what is to change into a new file"):
        apply_migrations("shop", settings, None, [changed])


def test_who_may_not_or_can_not_is_told_why(mariadb: MariaDb, database: str) -> None:
    stranger = DatabaseAddress(mariadb.url(database, "stranger"), None, False, None)
    with pytest.raises(DatabaseRefused, match="refuses stranger"):
        apply_migrations("shop", settings_of(mariadb, database, owner=stranger), None, [FIRST])
    nowhere = DatabaseAddress("mysql://root@127.0.0.1:1/shop", None, False, None)
    with pytest.raises(DatabaseUnavailable, match="can't be reached"):
        pending_migrations("shop", settings_of(mariadb, database, owner=nowhere), None, [FIRST])


def test_the_files_of_the_shop_can_be_done_again() -> None:
    files = migrations_of("shop")
    assert [file.name for file in files] == sorted(file.name for file in files)
    for file in files:
        assert file.statements
        for statement in file.statements:
            assert statement.startswith(("create table if not exists", "alter table")), statement


def test_the_command_shows_first_and_changes_only_when_it_is_told(
    mariadb: MariaDb, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VENDING_SHOP_API_DATABASE", mariadb.url(database))
    run = CliRunner()
    shown = run.invoke(command, ["migrate", "shop"])
    assert (shown.exit_code, "create table if not exists api_changes" in shown.stdout) == (3, True), shown.output
    assert mariadb.client("show tables", database) == ""
    applied = run.invoke(command, ["migrate", "shop", "--apply"])
    assert (applied.exit_code, applied.stdout) == (0, "applied 0001_changes_and_reservations.sql\n")
    assert run.invoke(command, ["migrate", "shop", "--apply"]).stdout == "Nothing was to be changed.\n"
    assert run.invoke(command, ["migrate", "shop"]).stdout == "All 1 are applied.\n"
    unknown = run.invoke(command, ["migrate", "shopp"])
    assert (unknown.exit_code, "there are: shop" in unknown.stderr) == (2, True)
