"""Changes of a database's tables: numbered SQL files, applied once each, by a person's command and never by itself.

MySQL commits each DDL statement by itself, so every statement of a file has to be one that does nothing if it was done
before (`create table if not exists`): a run that was ended in the middle is simply started again.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vending_platform.environment import AwsTarget, DatabaseApiSettings
from vending_platform.errors import NotAllowed
from vending_platform.extraction.mysql.connection import target_of
from vending_platform.service.mysql.errors import DatabaseRefused, DatabaseUnavailable

_APPLIED = """
create table if not exists api_migrations (
    name varchar(100) not null primary key comment 'The file.',
    sha256 char(64) not null comment 'Of its content, as it was applied.',
    applied_at timestamp(6) not null default current_timestamp(6) comment 'When that was.'
) engine = innodb default charset = utf8mb4
"""
_NO_SUCH_TABLE = 1146
_TURN, _TURN_SECONDS = "api_migrations", 10


@dataclass(frozen=True)
class Migration:
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        text = re.sub(r"^\s*--.*$", "", self.sql, flags=re.MULTILINE)
        return [statement for statement in map(str.strip, text.split(";")) if statement]


def migrations_of(api: str) -> list[Migration]:
    """The files in the folder `migrations` of the API's package, in the order of their numbers."""
    folder = Path(__file__).parents[1] / api / "migrations"
    return [Migration(path.name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))]


def pending_migrations(
    name: str, settings: DatabaseApiSettings, aws: AwsTarget | None, known: Sequence[Migration]
) -> list[Migration]:
    """Those that were not applied yet. `NotAllowed` if one was changed since it was."""
    with closing(_connect(name, settings, aws)) as connection:
        return _pending(connection, known)


def apply_migrations(
    name: str, settings: DatabaseApiSettings, aws: AwsTarget | None, known: Sequence[Migration]
) -> list[Migration]:
    """The ones that were pending, and are applied now. Two who start this at once do it one after the other."""
    with closing(_connect(name, settings, aws)) as connection, connection.cursor() as cursor:
        cursor.execute("select get_lock(%s, %s)", (_TURN, _TURN_SECONDS))
        if cursor.fetchone() != (1,):
            raise DatabaseUnavailable(f"someone else is changing the tables of {name} at this moment: try again later")
        pending = _pending(connection, known)
        cursor.execute(_APPLIED)
        for migration in pending:
            _apply(cursor, migration)
            cursor.execute(
                "insert into api_migrations (name, sha256) values (%s, %s)", (migration.name, migration.sha256)
            )
        return pending


def _apply(cursor: Any, migration: Migration) -> None:
    import pymysql

    for statement in migration.statements:
        try:
            cursor.execute(statement)
        except pymysql.err.MySQLError as error:
            raise DatabaseRefused(
                f"{migration.name}: {error.args[-1]}: correct what is in its way, and start the command again; what was"
                " done before stays"
            ) from error


def _pending(connection: Any, known: Sequence[Migration]) -> list[Migration]:
    import pymysql

    applied: dict[str, str] = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("select name, sha256 from api_migrations")
            applied = dict(cursor.fetchall())
    except pymysql.err.ProgrammingError as error:
        if error.args[0] != _NO_SUCH_TABLE:
            raise
    if changed := [one.name for one in known if applied.get(one.name, one.sha256) != one.sha256]:
        raise NotAllowed(
            f"{changed[0]} was applied, and its content is another one now: write what is to change into a new file"
        )
    return [one for one in known if one.name not in applied]


def _connect(name: str, settings: DatabaseApiSettings, aws: AwsTarget | None) -> Any:
    import ssl

    import pymysql

    target = target_of(name, settings.owner, aws)
    context = ssl.create_default_context(cafile=settings.owner.authority) if settings.owner.is_verified else None
    try:
        return pymysql.connect(
            host=target.host,
            port=target.port,
            user=target.user,
            password=target.password,
            database=target.database,
            charset="utf8mb4",
            autocommit=True,
            ssl=context,
        )
    except pymysql.err.OperationalError as error:
        if error.args[0] in (1044, 1045, 1049, 1698):
            raise DatabaseRefused(f"{target} refuses {target.user}: {error.args[-1]}") from error
        raise DatabaseUnavailable(f"{target} can't be reached: {error.args[-1]}") from error
