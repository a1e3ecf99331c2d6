"""What is read where a system is not there: one sentence with what is missing and what to do."""

import socket
from collections.abc import Iterator

import pytest
from botocore.exceptions import BotoCoreError, EndpointConnectionError, NoCredentialsError

from vending_platform.environment import DatabaseSettings, ItemTableSettings, load
from vending_platform.extraction import SystemUnavailable
from vending_platform.extraction.dynamodb import ItemTable, item_table
from vending_platform.extraction.mysql.connection import session, target_of

ENDPOINT = "http://127.0.0.1:1"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """One on which nothing listens: it is taken, and never listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def emulated() -> ItemTable:
    settings = load().dynamodb["app"]
    return item_table("app", ItemTableSettings(**{**vars(settings), "endpoint": ENDPOINT}), None)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            NoCredentialsError(),
            f"the DynamoDB table app (app) is at {ENDPOINT} (dynamodb.app.endpoint in environments.yml), an emulator,"
            " and no credentials are set: start it, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to any words",
        ),
        (
            EndpointConnectionError(endpoint_url=ENDPOINT),
            f"the DynamoDB table app (app): nothing answers at {ENDPOINT}: start the emulator there, or correct"
            " dynamodb.app.endpoint in environments.yml",
        ),
    ],
)
def test_an_emulator_that_is_not_there(emulated: ItemTable, error: BotoCoreError, words: str) -> None:
    with pytest.raises(SystemUnavailable) as caught, emulated.errors():
        raise error
    assert str(caught.value) == words


def test_a_database_that_is_not_there(closed_port: int) -> None:
    declared = load().databases["shop"]
    settings = DatabaseSettings(**{**vars(declared), "url": f"mysql://reader@127.0.0.1:{closed_port}/shop"})
    with (
        pytest.raises(SystemUnavailable, match=r"^nothing answers for shop on .*: start the database, or correct its"),
        session(target_of("shop", settings, None), settings),
    ):
        pass
