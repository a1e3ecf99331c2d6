"""The rows of a batch of files: read, validated, and whether each file can be used."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Source
from vending_platform.ingestion.file_rejection import refusal
from vending_platform.ingestion.outcome import Origin, Rows, rejected_rows
from vending_platform.ingestion.reading import (
    FileProblem,
    Readable,
    read_in_pieces,
    read_together,
)
from vending_platform.ingestion.reading.rows import FILE, LINE
from vending_platform.ingestion.same_keys import REPEATS, losers, one_per_key
from vending_platform.ingestion.spool import Spool
from vending_platform.ingestion.validation import (
    PLACE,
    FileFacts,
    Validator,
    placed_schema,
    raw_schema,
)
from vending_platform.ledger import (
    REJECTED_ROWS_SCHEMA,
)


@dataclass(frozen=True)
class Verdict:
    """What validation found out about one candidate."""

    accepted: int = 0
    rejected: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class ReadBatch:
    """The rows of a batch, ready to be published, and the verdict on each file that could be parsed."""

    accepted: Rows
    rejected: Rows
    verdicts: dict[int, Verdict]


def nothing_read(source: Source, verdicts: dict[int, Verdict]) -> ReadBatch:
    return ReadBatch(raw_schema(source).empty_table(), REJECTED_ROWS_SCHEMA.empty_table(), verdicts)


def read_small(
    source: Source,
    validator: Validator,
    readables: dict[int, Readable],
    origins: dict[int, Origin],
    facts: Sequence[FileFacts],
) -> ReadBatch:
    tables, problems = read_together(source, readables)
    verdicts = {number: Verdict(problem=str(problem)) for number, problem in problems.items()}
    checked = one_per_key(source, validator, validator.validate(pa.concat_tables(tables), facts))
    accepted, rejected = checked.accepted, checked.rejected
    good = np.bincount(accepted[FILE].to_numpy(), minlength=len(facts))
    bad = np.bincount(rejected[FILE].to_numpy(), minlength=len(facts))
    repeats = np.bincount(rejected.filter(rejected[REPEATS])[FILE].to_numpy(), minlength=len(facts))
    explained = rejected_rows(rejected, origins)
    first = dict(reversed(list(zip(rejected[FILE].to_pylist(), explained.to_pylist(), strict=True))))
    refused = []
    for number in readables.keys() - problems.keys():
        counts = int(good[number]), int(bad[number]), int(repeats[number])
        verdicts[number] = _judge(source, *counts, first.get(number))
        if verdicts[number].problem is not None:
            refused.append(number)
    if refused:
        keep = [pc.invert(pc.is_in(table[FILE], pa.array(refused, pa.int32()))) for table in (accepted, rejected)]
        accepted, explained = accepted.filter(keep[0]), explained.filter(keep[1])
    return ReadBatch(accepted.drop_columns(PLACE), explained, verdicts)


def read_large(
    source: Source,
    validator: Validator,
    readable: Readable,
    origin: Origin,
    facts: FileFacts,
    scratch: Path,
    afterwards: ExitStack,
) -> ReadBatch:
    accepted, rejected = Spool(placed_schema(source), scratch), Spool(REJECTED_ROWS_SCHEMA, scratch)
    afterwards.callback(accepted.close)
    afterwards.callback(rejected.close)
    first = None
    try:
        for table in read_in_pieces(source, readable, file=0):
            checked = validator.validate(table, [facts])
            accepted.add(checked.accepted)
            explained = rejected_rows(checked.rejected, {0: origin})
            first = first or next(iter(explained.slice(0, 1).to_pylist()), None)
            rejected.add(explained)
        lost = losers(source, validator.engine, accepted.as_sql(), accepted.rows)
        explained = rejected_rows(lost, {0: origin})
        first = first or next(iter(explained.slice(0, 1).to_pylist()), None)
        rejected.add(explained)
        repeats = pc.sum(lost[REPEATS]).as_py() or 0
        verdict = _judge(source, accepted.rows - lost.num_rows, rejected.rows, repeats, first)
    except FileProblem as problem:
        verdict = Verdict(problem=str(problem))
    if verdict.problem is not None:
        return nothing_read(source, {0: verdict})
    return ReadBatch(accepted.reader(PLACE, without=(LINE, lost[LINE])), rejected.reader(), {0: verdict})


def _judge(source: Source, accepted: int, rejected: int, repeats: int, first: dict[str, object] | None) -> Verdict:
    why = f"{source.counted_in} {first['line']}: {first['reason']}" if first else None
    problem = refusal(source, accepted, rejected - repeats, why)
    return Verdict(problem=problem) if problem else Verdict(accepted, rejected)
