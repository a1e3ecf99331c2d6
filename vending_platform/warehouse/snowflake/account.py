"""Whether a connection leads to the account, role, database and warehouse that the settings name.

Snowflake lets a user connect to a database that does not exist: the session then just has none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from vending_platform.accounts import WrongAccount
from vending_platform.warehouse.snowflake.session import Connect
from vending_platform.warehouse.snowflake.settings import ACCOUNT_VARIABLE, SnowflakeSettings

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

_WHERE_AM_I = (
    "select current_account() as locator, current_organization_name() as organization,"
    " current_account_name() as account, current_database() as database, current_role() as role,"
    " current_warehouse() as warehouse"
)
"""It needs no warehouse that runs."""


def checked(connect: Connect, environment: str, settings: SnowflakeSettings) -> Connect:
    """The same connections. The first of them is checked before anything else is sent, and `WrongAccount` is raised if
    it leads to another place than the settings of `environment` name. Later ones lead to the same place."""
    is_right = False

    @contextmanager
    def connected() -> "Iterator[SnowflakeConnection]":
        nonlocal is_right
        with connect() as connection:
            if not is_right:
                check_account(connection, environment, settings)
                is_right = True
            yield connection

    return connected


class SessionContext(NamedTuple):
    """What a session of Snowflake is in: names as Snowflake writes them, None for what it does not have."""

    locator: str
    organization: str | None
    account: str | None
    database: str | None
    role: str | None
    warehouse: str | None

    def is_account(self, identifier: str) -> bool:
        """Whether `identifier` names this account: by its locator, or by organization and name, with or without what
        follows the first dot. That is a region: as part of the host's name it has led to this account, and not to
        another one of the same locator. A host's name has no underscores, so hyphens may stand for them."""
        named = identifier.partition(".")[0]
        return _normalized(named) in (_normalized(self.locator), _normalized(f"{self.organization}-{self.account}"))


def check_account(connection: "SnowflakeConnection", environment: str, settings: SnowflakeSettings) -> None:
    """Returns if this connection leads to what the settings of `environment` name. Sends one query."""
    with connection.cursor() as cursor:
        # The connector's types allow for no answer and no row; this statement always has one.
        found = SessionContext(*cursor.execute(_WHERE_AM_I).fetchone())  # type: ignore[union-attr, misc]
    if not found.is_account(settings.account):
        raise WrongAccount(
            f"{environment} is in Snowflake's account {settings.account} ({ACCOUNT_VARIABLE}), but this is the "
            f"account {found.locator} ({found.organization}-{found.account}): nothing was touched"
        )
    for kind in ("role", "database", "warehouse"):
        wanted, actual = getattr(settings, kind), getattr(found, kind)
        if actual is None:
            raise WrongAccount(
                f"{environment} uses Snowflake's {kind} {wanted}, but in the account {settings.account} there is none "
                f"of that name, or the role {found.role} may not use it: see docs/snowflake-setup.sql; nothing was "
                "touched"
            )
        if _normalized(actual) != _normalized(wanted):
            raise WrongAccount(
                f"{environment} uses Snowflake's {kind} {wanted}, but this connection has the {kind} {actual}: "
                "nothing was touched"
            )


def _normalized(name: str) -> str:
    return name.upper().replace("_", "-")
