"""Snowflake's connector: how a connection is made, and its results as Arrow in our own types.

The private key is fetched when a connection is made, and is kept nowhere.
"""

import json
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa

from vending_platform.warehouse.interface import WarehouseError
from vending_platform.warehouse.snowflake.settings import ACCOUNT_VARIABLE, SnowflakeSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from snowflake.connector import SnowflakeConnection
    from snowflake.connector.cursor import ResultMetadata

Connect = Callable[[], AbstractContextManager["SnowflakeConnection"]]
"""A new connection, closed at the end of its block: `connector`'s, or the `get_connection` of Dagster's resource."""
_SESSION_SETTINGS = "alter session set timezone = 'UTC', lock_timeout = 900"
"""Timestamps are written and shown in UTC. A process that publishes waits for another one that does, also for one that
was killed: its transaction holds its locks until Snowflake ends it, which takes some minutes."""
_DIGITS = 38


def connector(
    settings: SnowflakeSettings,
    private_key: Callable[[], str],
    tag: Mapping[str, str],
    *,
    endpoint: str | None = None,
    login_seconds: int | None = None,
) -> Connect:
    """Connections to what `settings` name, or to an emulator at `endpoint`. `private_key` gives the user's key as PEM;
    every query carries `tag`, as JSON. After `login_seconds` (the connector's own default without it) a login is not
    tried again."""

    def connect() -> "SnowflakeConnection":
        try:
            connection: SnowflakeConnection = library().connect(
                account=settings.account,
                user=settings.user,
                role=settings.role,
                database=settings.database,
                warehouse=settings.warehouse,
                authenticator="SNOWFLAKE_JWT",
                private_key=_key(private_key()),
                application="vending_platform",
                login_timeout=login_seconds,
                platform_detection_timeout_seconds=0,  # else it asks every cloud whether this is one of its machines
                session_parameters={"QUERY_TAG": json.dumps(dict(tag), sort_keys=True)},
                **endpoint_arguments(endpoint),
            )
        except library().Error as error:
            raise WarehouseError(
                f"Snowflake does not let {settings.user} with the role {settings.role} into the account "
                f"{settings.account} ({ACCOUNT_VARIABLE}): {error.msg}; check that it is the right account, "
                "that the user has this key and this role (docs/snowflake-setup.sql), and that the network leads there"
            ) from error
        return connection

    return connect


@cache
def library() -> Any:
    """`snowflake.connector`: a second of imports, needed only where there is a Snowflake. Its own copy of requests
    warns about all newer libraries."""
    with warnings.catch_warnings(action="ignore"):
        import snowflake.connector
    return snowflake.connector


def endpoint_arguments(endpoint: str | None) -> dict[str, Any]:
    """The connector's arguments for an emulator's address."""
    if endpoint is None:
        return {}
    url = urlsplit(endpoint)
    return {"protocol": url.scheme, "host": url.hostname, "port": url.port}


def _key(pem: str) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise WarehouseError(
            "the secret with Snowflake's key is not the PEM of a private key without a password"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise WarehouseError("Snowflake accepts only RSA keys, and the key of this user is not one")
    return key


class Session:
    def __init__(self, connection: "SnowflakeConnection") -> None:
        self._connection = connection
        connection.arrow_number_to_decimal_setter = True  # the connector's own spelling; else decimals become floats
        self.run(_SESSION_SETTINGS)

    def query(self, sql: str) -> pa.Table:
        """The result, with its columns' names in lower case; an empty one has its types too."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            chunks = list(cursor.fetch_arrow_batches(force_microsecond_precision=True))
            fields = [(column.name.lower(), _arrow(column)) for column in cursor.description]
        columns = [
            combine_chunks([chunk.column(position) for chunk in chunks], kind)
            for position, (_, kind) in enumerate(fields)
        ]
        return pa.Table.from_arrays(columns, names=[name for name, _ in fields])

    def report(self, sql: str) -> dict[str, Any]:
        """What a statement that is not a query returns about what it did, by its columns' names in lower case."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            names = [column.name.lower() for column in cursor.description]
            (values,) = cursor.fetchall()
            return dict(zip(names, values, strict=True))

    def run(self, sql: str) -> int:
        """Returns how many rows the statement has changed."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.rowcount or 0


@contextmanager
def session(connect: Connect) -> "Iterator[Session]":
    """While it is open, what Snowflake refuses and what is wrong with the network is a `WarehouseError`."""
    try:
        with connect() as connection:
            yield Session(connection)
    except library().Error as error:
        raise WarehouseError(f"Snowflake: {' '.join(str(error).split())}") from error


def _arrow(column: "ResultMetadata") -> pa.DataType:
    from snowflake.connector.constants import FIELD_ID_TO_NAME

    match FIELD_ID_TO_NAME[column.type_code]:
        case "FIXED" if column.scale:
            return pa.decimal128(column.precision or _DIGITS, column.scale)
        case "FIXED":
            return pa.int64()
        case "REAL":
            return pa.float64()
        case "DATE":
            return pa.date32()
        case "BOOLEAN":
            return pa.bool_()
        case "TIMESTAMP_NTZ":
            return pa.timestamp("us")
        case "TIMESTAMP_TZ" | "TIMESTAMP_LTZ":
            return pa.timestamp("us", "UTC")
        case _:
            return pa.string()


def combine_chunks(chunks: list[pa.ChunkedArray], kind: pa.DataType) -> pa.ChunkedArray:
    """One column of these chunks. Snowflake sends and writes every chunk in the smallest type that fits its values."""
    arrays = [array for chunk in chunks for array in chunk.chunks]
    try:
        return pa.chunked_array([array.cast(kind) for array in arrays], kind)
    except pa.ArrowInvalid:
        if kind != pa.int64():
            raise
        wide = pa.decimal128(_DIGITS, 0)  # a sum can have more digits than what it adds up
        return pa.chunked_array([array.cast(wide) for array in arrays], wide)
