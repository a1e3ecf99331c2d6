"""A place in memory, for tests that are about something else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vending_platform.storage import StoredFile, Unreadable


@dataclass(frozen=True)
class MemoryPlace:
    contents: dict[str, bytes] = field(default_factory=dict)
    modified_at: datetime = datetime(2024, 3, 1, tzinfo=UTC)

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        below = prefix and prefix.rstrip("/") + "/"
        yield from self.named(path for path in list(self.contents) if path.startswith(below))

    def paths(self, prefix: str = "") -> Iterator[str]:
        return (file.path for file in self.files(prefix))

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        yield list(self.named(path for path in sorted(self.contents, key=str.encode) if path.encode() > after.encode()))

    def named(self, paths: Iterable[str]) -> Iterator[StoredFile]:
        for path in paths:
            if path in self.contents:
                content = self.contents[path]
                yield StoredFile(path, len(content), str(hash(content)), self.modified_at)

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        if list(self.named([file.path])) != [file]:
            raise Unreadable("it is not the file that was listed")
        yield self.contents[file.path]

    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        for file in files:
            yield b"".join(self.chunks(file))

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        self.contents[path] = content if isinstance(content, bytes) else b"".join(content)

    def create(self, path: str, content: bytes) -> bool:
        if path in self.contents:
            return False
        self.contents[path] = content
        return True

    def read_span(self, path: str, start: int, end: int) -> Iterator[bytes]:
        yield self.contents[path][start:end]

    def link(self, path: str, seconds: int) -> None:
        return None

    def read_path(self, path: str) -> Iterator[bytes]:
        yield self.contents[path]

    def has(self, path: str) -> bool:
        return path in self.contents

    def delete(self, path: str) -> None:
        self.contents.pop(path, None)
