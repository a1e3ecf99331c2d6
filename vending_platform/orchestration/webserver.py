"""Dagster's web server behind a guard: a foreign page, open in the same browser, can start nothing here.

Dagster's own answers everyone: any host name (so a foreign name that resolves to this machine reads everything),
any origin, and mutations also by GET, which a link or an image sends. `vending dev` and the deployment start this one.
"""

import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SERVED_AS = "--served-as"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_MODULE = "vending_platform.orchestration.webserver"


@dataclass(frozen=True)
class Guard:
    """Passes on requests to one of these host names that come from no page, or from a page of the same origin."""

    app: App
    hosts: frozenset[str] = LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = None if scope["type"] == "lifespan" else refusal(scope, self.hosts)
        if why is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": why[:120]})
        else:
            body = f"{why}\n".encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": body})


def refusal(scope: Scope, hosts: Iterable[str]) -> str | None:
    """Why this request is not answered; None if it is."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "")
    if (_address(f"//{host}").hostname or "") not in hosts:
        return f"This server is not {host!r}: it is served as {' or '.join(sorted(hosts))}."
    method = scope.get("method", "GET")
    if method in _READING and _is_mutation(scope.get("query_string", b"")):
        return "A mutation is accepted by POST only."
    changes = method not in _READING or scope["type"] == "websocket"
    origin = headers.get("origin")
    if changes and origin is not None and _address(origin).netloc.lower() != host.lower():
        return f"A page of {origin!r} may not ask this server to do anything."
    return None


def _address(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:  # no address at all
        return urlsplit("")


def _is_mutation(query_string: bytes) -> bool:
    """Whether any operation of a GraphQL document in the address is something else than a query."""
    from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

    for document in parse_qs(query_string.decode("latin-1"), keep_blank_values=True).get("query", ()):
        try:
            operations = [node for node in parse(document).definitions if isinstance(node, OperationDefinitionNode)]
        except GraphQLError:
            continue  # not GraphQL: Dagster answers that, or it is another page's search
        if any(operation.operation is not OperationType.QUERY for operation in operations):
            return True
    return False


def main() -> None:
    """`dagster-webserver` with the same options, and `--served-as NAME` for each name that people open it under."""
    cli: Any = import_module("dagster_webserver.cli")  # whose names are not meant to be put in the place of others
    sys.argv[1:], names = without_names(sys.argv[1:])
    hosts, create = LOOPBACK | frozenset(names), cli.create_app_from_workspace_process_context

    def create_guarded(*args: Any, **options: Any) -> App:
        return Guard(create(*args, **options), hosts)

    cli.create_app_from_workspace_process_context = create_guarded
    cli.main()


def without_names(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of a command line without `--served-as` and what follows it, and those names."""
    rest, names = [], []
    given = iter(words)
    for word in given:
        if word == _SERVED_AS:
            names.append(next(given, "").lower())
        else:
            rest.append(word)
    return rest, names


def dev() -> None:
    """`dagster dev`, which starts the guarded web server in the place of Dagster's own."""
    command: Any = import_module("dagster._cli.dev")
    start = command.open_ipc_subprocess

    def start_guarded(parts: Sequence[str], **options: Any) -> Any:
        return start([_OWN_MODULE if part == "dagster_webserver" else part for part in parts], **options)

    command.open_ipc_subprocess = start_guarded
    sys.argv.insert(1, "dev")
    import_module("dagster._cli").main()


if __name__ == "__main__":
    main()
