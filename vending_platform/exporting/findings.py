"""What an export says of quality, and how it is noted until it is recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from vending_platform.ledger import RecordKind, note_unrecorded
from vending_platform.warehouse import Change


@dataclass(frozen=True)
class WrittenFile:
    """A file that was read back and holds its mart's rows."""

    day: str | None
    rows: int
    sha256: str


@dataclass(frozen=True)
class ExportFindings:
    name: str
    written: Sequence[WrittenFile]
    held_back: Sequence[str]
    """Days whose mart failed a blocking check; of an export without days its own name."""
    problem: str | None = None


_FINDINGS = TypeAdapter(ExportFindings)


def note_export(findings: ExportFindings) -> list[Change]:
    """Nothing, where there is nothing to say."""
    if not (findings.written or findings.held_back or findings.problem):
        return []
    return [note_unrecorded(RecordKind.EXPORT, _FINDINGS.dump_json(findings).decode())]


def noted_exports(found: Iterable[str]) -> list[ExportFindings]:
    return [_FINDINGS.validate_json(text) for text in found]
