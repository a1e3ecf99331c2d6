"""A delivered file validated by itself, without loading it: the same reading and the same rules."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Catalog, NameParts, Source, Undeclared
from vending_platform.ingestion.file_rejection import refusal
from vending_platform.ingestion.reading import FileProblem, chunks_of, prepare, read_in_pieces, spool
from vending_platform.ingestion.same_keys import REPEATS, losers
from vending_platform.ingestion.spool import Spool
from vending_platform.ingestion.validation import FileFacts, Validator, placed_schema, validation_engine

_ENOUGH = 1000


@dataclass(frozen=True)
class RowProblem:
    """A row that would be rejected."""

    line: int
    column: str | None
    reason: str


@dataclass(frozen=True)
class Checked:
    """What loading the file would come to: `refused` is why all of it would go to quarantine, `findings` are the
    first thousand of its `rejected` rows, `drift` is how it differs from its contract without harm."""

    source: str | None
    refused: str | None = None
    encoding: str | None = None
    drift: str | None = None
    accepted: int = 0
    rejected: int = 0
    findings: tuple[RowProblem, ...] = ()
    counted_in: str = "line"
    """What the numbers of its findings count: lines or rows."""

    @property
    def is_fine(self) -> bool:
        return self.refused is None and self.rejected == 0 and self.drift is None


def check(catalog: Catalog, path: Path, source: str | None = None) -> Checked:
    """Check one file against the contract that takes its name, or against the one of `source`."""
    found = _identified(catalog, path)
    if source is not None:
        contract = catalog.source(source)
        parts = NameParts(None, None) if isinstance(found, Undeclared) or found[0] is not contract else found[1]
    elif isinstance(found, Undeclared):
        return Checked(source=None, refused=f"{found.reason}; name the contract with --source to check it all the same")
    else:
        contract, parts = found
    return check_with(contract, parts, path)


def check_with(contract: Source, parts: NameParts, path: Path) -> Checked:
    """Check one file against this contract."""
    with tempfile.TemporaryDirectory() as scratch:
        return _check(contract, parts, path, Path(scratch))


def _identified(catalog: Catalog, path: Path) -> tuple[Source, NameParts] | Undeclared:
    """What a contract says of it: by its name, or by its path from some folder on, as if that was the raw place."""
    parts = path.absolute().parts[1:]
    found = [catalog.identify("/".join(parts[number:])) for number in reversed(range(len(parts)))]
    return next((one for one in found if not isinstance(one, Undeclared)), found[0])


def _findings(rejected: pa.Table, most: int) -> list[RowProblem]:
    rows = rejected.slice(0, most).to_pylist()
    return [RowProblem(row["_line"], row["column_name"], row["reason"]) for row in rows]


def _check(contract: Source, parts: NameParts, path: Path, scratch: Path) -> Checked:
    readable, accepted, rejected, findings = None, 0, 0, list[RowProblem]()
    refused = None
    try:
        readable = prepare(contract, spool(chunks_of(path), scratch), file=0, scratch=scratch)
        with validation_engine() as engine:
            validator = Validator(contract, engine)
            rows = Spool(placed_schema(contract), scratch)
            for table in read_in_pieces(contract, readable, file=0):
                checked = validator.validate(table, [FileFacts("", parts.sender, parts.business_date)])
                rows.add(checked.accepted)
                rejected += checked.rejected.num_rows
                findings += _findings(checked.rejected, _ENOUGH - len(findings))
            lost = losers(contract, engine, rows.as_sql(), rows.rows)
        accepted, rejected = rows.rows - lost.num_rows, rejected + lost.num_rows
        findings += _findings(lost, _ENOUGH - len(findings))
        first = f"{contract.counted_in} {findings[0].line}: {findings[0].reason}" if findings else None
        refused = refusal(contract, accepted, rejected - (pc.sum(lost[REPEATS]).as_py() or 0), first)
    except FileProblem as problem:
        refused = str(problem)
    return Checked(
        source=contract.name,
        refused=refused,
        encoding=readable.encoding if readable is not None else None,
        drift=readable.layout.drift if readable is not None else None,
        accepted=accepted,
        rejected=rejected,
        findings=tuple(findings),
        counted_in=contract.counted_in,
    )
