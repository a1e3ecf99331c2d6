"""Where messages go: a topic of SNS, a Slack channel, the terminal, the log."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vending_platform.alerts.formatting import head, parts, subject, text
from vending_platform.alerts.problem import Event, Notification
from vending_platform.console import PlainConsole
from vending_platform.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
"""For the clients of AWS that alerts use: what is tried again, and for how long, is decided in `notify`."""
_TIMEOUT = 5
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_COLOURS = {Event.NEW: "bold red", Event.STILL: "yellow", Event.RECOVERED: "green", Event.DONE: "green"}


class ChannelDown(Unavailable):
    """A message was not taken. The reason names no secret."""


class Channel(Protocol):
    @property
    def name(self) -> str:
        """It stays the same: what this channel has still to get is kept under it."""

    def send(self, message: Notification) -> None:
        """Afterwards the message is out of our hands; `ChannelDown` if it is not."""


@dataclass(frozen=True)
class Sns:
    """The client is opened when the first message is sent, and not before."""

    topic_arn: str
    environment: str
    open_client: Callable[[], "SNSClient"]
    name: str = "sns"

    @cached_property
    def _client(self) -> "SNSClient":
        return self.open_client()

    def send(self, message: Notification) -> None:
        attributes = {"environment": self.environment, "kind": message.problem.kind, "event": message.event}
        try:
            self._client.publish(
                TopicArn=self.topic_arn,
                Subject=subject(message, self.environment),
                Message=text(message, self.environment),
                # What a subscription can filter by.
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": str(value)} for name, value in attributes.items()
                },
            )
        except ClientError as error:
            raise ChannelDown(f"SNS answers {error.response['Error'].get('Code', 'an error')}") from None
        except BotoCoreError as error:
            raise ChannelDown(f"SNS can't be reached: {type(error).__name__}") from None


@dataclass(frozen=True)
class Slack:
    """An incoming webhook. Its address is a secret that lets anyone post: it is in no message and no log."""

    environment: str
    read_webhook: Callable[[], str] = field(repr=False)
    name: str = "slack"

    def send(self, message: Notification) -> None:
        try:
            webhook = self.read_webhook()
        except Exception as error:  # a reader of secrets has errors of its own, whose text may hold the secret
            raise ChannelDown(f"the secret with the webhook can't be read: {type(error).__name__}") from None
        if not is_webhook(webhook):
            raise ChannelDown("the webhook is not an https address")
        request = Request(
            webhook,
            data=json.dumps({"text": _escaped(text(message, self.environment))}).encode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT) as answer:
                answer.read(1_024)
        except HTTPError as error:
            error.close()
            raise ChannelDown(f"Slack answers {error.code}") from None
        except (URLError, OSError, HTTPException, ValueError) as error:  # the last two may quote the address
            reason = error.reason if isinstance(error, URLError) else error
            raise ChannelDown(f"Slack can't be reached: {type(reason).__name__}") from None


@dataclass(frozen=True)
class Terminal:
    environment: str
    console: Console = field(default_factory=lambda: PlainConsole(stderr=True))
    name: str = "terminal"

    def send(self, message: Notification) -> None:
        grid = Table.grid(padding=(0, 2))
        for name, value in parts(message, self.environment):
            grid.add_row(Text(name, style="dim"), Text(value))
        self.console.print(
            Panel(grid, title=Text(head(message)), title_align="left", border_style=_COLOURS[message.event])
        )


@dataclass(frozen=True)
class Logged:
    """Every message is in the log too, where it can be found beside what led to it."""

    environment: str
    name: str = "log"

    def send(self, message: Notification) -> None:
        level = logging.INFO if message.event in (Event.RECOVERED, Event.DONE) else logging.ERROR
        fields = {"kind": message.problem.kind, "about": message.problem.about, "event": message.event}
        logging.getLogger(__name__).log(level, "%s", text(message, self.environment), extra={"fields": fields})


class _NoRedirect(HTTPRedirectHandler):
    """A message for one address is never carried to another."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


_OPENER = build_opener(_NoRedirect)


def is_webhook(webhook: str) -> bool:
    """Whether messages may be sent to it: nothing else would keep it secret on the way."""
    try:
        address = urlsplit(webhook)
    except ValueError:
        return False
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)


def _escaped(text: str) -> str:
    """Slack gives these three a meaning; and what is aligned stays so."""
    return "```" + text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```", "'''") + "```"
