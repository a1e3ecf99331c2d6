"""Requests over kept connections, by clients that are as small as they can be: they share the service's cores."""

import asyncio
import time
from collections.abc import Sequence

_KEPT_SECONDS = 2.0
"""The service closes a connection that is idle for five."""


class Connection:
    """One to a server on this machine; a request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def get(self, path: str) -> None:
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        _, _, after = head.lower().partition(b"content-length: ")
        await self._reader.readexactly(int(after.partition(b"\r\n")[0]))

    @property
    def _port(self) -> int:
        return int(self._writer.get_extra_info("peername")[1])

    def close(self) -> None:
        self._writer.close()


async def without_pause(ports: Sequence[int], clients: int, paths: Sequence[str], seconds: float) -> list[float]:
    """The milliseconds of each request, of clients that send the next one when they have the answer to the last; each
    has a connection to one of the ports."""
    ends = time.perf_counter() + seconds

    async def client(port: int, paths: Sequence[str]) -> list[float]:
        connection, taken = await Connection.open(port), list[float]()
        while (began := time.perf_counter()) < ends:
            await connection.get(paths[len(taken) * 7 % len(paths)])
            taken.append(1000 * (time.perf_counter() - began))
        connection.close()
        return taken

    done = await asyncio.gather(
        *(client(ports[number % len(ports)], [*paths[number:], *paths[:number]]) for number in range(clients))
    )
    return [one for taken in done for one in taken]


async def at_a_rate(port: int, per_second: float, paths: Sequence[str], ends: asyncio.Event) -> dict[str, list[float]]:
    """The milliseconds of each request by its path, in turn until the event. Each counts from when it was due: one that
    waits for a slow one before it has waited too."""
    taken: dict[str, list[float]] = {path: [] for path in paths}
    free: list[tuple[Connection, float]] = []

    async def ask(path: str, due: float) -> None:
        while free:
            connection, since = free.pop()
            if time.perf_counter() - since < _KEPT_SECONDS:
                break
            connection.close()
        else:
            connection = await Connection.open(port)
        await connection.get(path)
        taken[path].append(1000 * (time.perf_counter() - due))
        free.append((connection, time.perf_counter()))

    began, sent = time.perf_counter(), 0
    async with asyncio.TaskGroup() as group:
        while not ends.is_set():
            due = began + sent / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(ask(paths[sent % len(paths)], due))
            sent += 1
    for connection, _ in free:
        connection.close()
    return taken
