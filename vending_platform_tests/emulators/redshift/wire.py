"""The port that dbt connects to: TLS, and PostgreSQL's protocol with each statement rewritten on its way in.

Messages pass as they are, but for what a client of Redshift would stumble over: parameters at the start that PostgreSQL
does not know, the version, and the words of an error. A refused statement is replaced by one that raises the reason, so
that the transaction fails as it would there. TRUNCATE is followed by a commit that the client does not see.
"""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from vending_platform_tests.emulators.redshift.session import StatementFailed, in_words_of_redshift, prepared

_SSL_REQUEST = 80877103
_VERSION_3 = 196608
_KNOWN_AT_START = {b"user", b"database", b"application_name", b"client_encoding", b"DateStyle"}
_REPORTED_VERSION = b"8.0.2"
_TRUNCATE = re.compile(r"\s*(?:/\*.*?\*/\s*)*truncate\b", re.IGNORECASE | re.DOTALL)


@dataclass
class _Session:
    """A client's connection, and the one to PostgreSQL that stands behind it."""

    client: socket.socket
    server: socket.socket
    review: Callable[[str], None]
    commits_next: bool = False
    is_committing: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forward(self) -> None:
        """What the client sends."""
        while True:
            kind, body = _message(self.client)
            if kind == b"Q":
                body = self._rewritten(body[:-1].decode()) + b"\0"
            elif kind == b"P":
                name, _, rest = body.partition(b"\0")
                sql, _, types = rest.partition(b"\0")
                body = b"\0".join([name, self._rewritten(sql.decode()), types])
            self.server.sendall(_packed(kind, body))

    def _rewritten(self, sql: str) -> bytes:
        try:
            self.review(sql)
            written = prepared(sql)
        except StatementFailed as error:
            reason = str(error).removeprefix("ERROR: ").replace("'", "''").replace("\\", "\\\\")
            return f"do $block$ begin raise exception using message = '{reason}'; end $block$".encode()
        self.commits_next = self.commits_next or bool(_TRUNCATE.match(sql))
        return written.encode()

    def back(self) -> None:
        """What PostgreSQL answers."""
        while True:
            kind, body = _message(self.server)
            if self.is_committing and kind != b"Z":
                continue
            if kind == b"Z":
                self.is_committing = False
                if self.commits_next:
                    self.commits_next, self.is_committing = False, True
                    self.server.sendall(_packed(b"Q", b"commit\0"))
                    continue
            elif kind == b"S" and body.startswith(b"server_version\0"):
                body = b"server_version\0" + _REPORTED_VERSION + b"\0"
            elif kind == b"E":
                body = _error_of_redshift(body)
            self.client.sendall(_packed(kind, body))


def _error_of_redshift(body: bytes) -> bytes:
    fields = {part[:1]: part[1:] for part in body.rstrip(b"\0").split(b"\0")}
    words = in_words_of_redshift(fields[b"C"].decode(), fields[b"M"].decode())
    fields[b"M"] = words.removeprefix("ERROR: ").encode()
    return b"".join(name + value + b"\0" for name, value in fields.items()) + b"\0"


@contextmanager
def redshift_port(server_port: int, certificate: ssl.SSLContext, review: Callable[[str], None]) -> Iterator[int]:
    """The port, which leads to the PostgreSQL at `server_port`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        open_sockets: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    open_sockets.append(client)
                    threading.Thread(
                        target=_serve, args=[client, server_port, certificate, review], daemon=True
                    ).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for client in open_sockets:
                client.close()


def _serve(client: socket.socket, server_port: int, certificate: ssl.SSLContext, review: Callable[[str], None]) -> None:
    with suppress(OSError, EOFError), socket.create_connection(("127.0.0.1", server_port)) as server:
        (code, settings), wrapped = _start(client), client
        if code == _SSL_REQUEST:
            client.sendall(b"S")
            wrapped = certificate.wrap_socket(client, server_side=True)
            _, settings = _start(wrapped)
        with wrapped:
            server.sendall(_start_of_postgres(settings))
            session = _Session(wrapped, server, review)
            returning = threading.Thread(target=_until_closed, args=[session.back, session], daemon=True)
            returning.start()
            _until_closed(session.forward, session)
            returning.join()


def _until_closed(pump: Callable[[], None], session: _Session) -> None:
    with suppress(OSError, EOFError):
        pump()
    for end in (session.client, session.server):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _start(client: socket.socket) -> tuple[int, bytes]:
    (length,) = struct.unpack("!i", _exactly(client, 4))
    body = _exactly(client, length - 4)
    return struct.unpack("!i", body[:4])[0], body[4:]


def _start_of_postgres(settings: bytes) -> bytes:
    words = settings.rstrip(b"\0").split(b"\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    kept = b"".join(name + b"\0" + value + b"\0" for name, value in pairs if name in _KNOWN_AT_START)
    body = struct.pack("!i", _VERSION_3) + kept + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def _message(end: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(end, 1)
    (length,) = struct.unpack("!i", _exactly(end, 4))
    return kind, _exactly(end, length - 4)


def _packed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _exactly(end: socket.socket, count: int) -> bytes:
    parts = []
    while count:
        part = end.recv(count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
