"""A proxy between a client of MySQL and the server that cuts connections at the moment of a commit.

Three ways: before the server gets the commit, after the server has done it and before its answer gets through, and in
the moment in which it is sent, when no one can say which of the two it was.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

_HEADER = 4
_QUERY = 3


class Cut(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    WITH = "with"


@dataclass
class CuttingProxy:
    """Cuts commits as `planned`, one after the other; then `rate` of all."""

    server_port: int
    rate: float
    random: Random
    planned: list[Cut] = field(default_factory=list)
    port: int = 0
    cuts: Counter[Cut] = field(default_factory=Counter)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _aborted(writer):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
            async with _aborted(server_writer):
                await self._carry(reader, writer, server_reader, server_writer)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        answers = asyncio.create_task(_copy(server_reader, writer))
        try:
            while True:
                packet = await _packet(reader)
                is_commit = packet[_HEADER] == _QUERY and packet[_HEADER + 1 :].upper() == b"COMMIT"
                if is_commit and (way := self._next_cut()) is not None:
                    self.cuts[way] += 1
                    await _cut(way, packet, answers, server_reader, server_writer)
                    return
                server_writer.write(packet)
                await server_writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)

    def _next_cut(self) -> Cut | None:
        if self.planned:
            return self.planned.pop(0)
        return self.random.choice(list(Cut)) if self.random.random() < self.rate else None


@asynccontextmanager
async def _aborted(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """In the end the connection is reset, and its socket given back before the loop may end."""
    try:
        yield
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _cut(
    way: Cut,
    packet: bytes,
    answers: "asyncio.Task[None]",
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    if way is Cut.BEFORE:
        return
    answers.cancel()
    await asyncio.gather(answers, return_exceptions=True)
    writer.write(packet)
    await writer.drain()
    if way is Cut.AFTER:
        await reader.read(1)  # the server answers when it is done


async def _packet(reader: asyncio.StreamReader) -> bytes:
    header = await reader.readexactly(_HEADER)
    return header + await reader.readexactly(int.from_bytes(header[:3], "little"))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@contextmanager
def cutting_proxy(server_port: int, rate: float = 0, seed: int = 0) -> Iterator[CuttingProxy]:
    """Carries connections in a thread of its own, until the end."""
    proxy = CuttingProxy(server_port, rate, Random(seed))
    loop = asyncio.new_event_loop()
    is_listening, ends = threading.Event(), asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        is_listening.set()
        await ends.wait()
        server.close()
        await asyncio.sleep(0)  # what was accepted last begins, so that it ends its connection
        carried = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert is_listening.wait(30), "the proxy does not listen"
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join()
        loop.close()
