"""The types of ASGI, and small helpers for what stands between a server and an application."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a request's header; of several with one name, the first."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def headers_named(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def with_headers(message: Message, added: Iterable[tuple[bytes, bytes]]) -> Message:
    """The start of a response, with these headers where the application has set none of that name."""
    present = {key.lower() for key, _ in message.get("headers", ())}
    headers = [*message.get("headers", ()), *((key, value) for key, value in added if key not in present)]
    return {**message, "headers": headers}
