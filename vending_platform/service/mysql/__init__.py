"""A MySQL or MariaDB behind an API: a bounded pool, reads and transactions that survive lost connections.

`MySqlDatabase` is the face. A read is tried again where its connection was lost. A transaction is too, and where it
was lost or collided with another one: so whatever it does has to be safe to do again, which the caller sees to.
"""

from vending_platform.service.mysql.database import MySqlDatabase, database_of
from vending_platform.service.mysql.errors import DatabaseUnavailable, DuplicateRow
from vending_platform.service.mysql.migrating import Migration, apply_migrations, migrations_of, pending_migrations
from vending_platform.service.mysql.pool import PoolLimits
from vending_platform.service.mysql.sessions import PooledSession, Row

__all__ = [
    "DatabaseUnavailable",
    "DuplicateRow",
    "Migration",
    "MySqlDatabase",
    "PoolLimits",
    "PooledSession",
    "Row",
    "apply_migrations",
    "database_of",
    "migrations_of",
    "pending_migrations",
]
