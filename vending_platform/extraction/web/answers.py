"""Answers as records: JSON or CSV, each value with the digits that the service wrote."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from vending_platform.catalog import ExtractApi
from vending_platform.extraction.interface import ExtractionError
from vending_platform.extraction.web.client import NotThisTime

Record = Mapping[str, Any]
"""A value for each name: a text, a `WrittenNumber`, a boolean, a list or None. What is nested has the names of all
levels, with dots between them."""


class WrittenNumber(str):
    """A number as it was written: no float ever holds it."""


def parsed(extract: ExtractApi, content: bytes) -> Any:
    """The whole answer. `NotThisTime` if it is not what the contract says at all, as when something on the way
    answered in the place of the service."""
    try:
        if extract.answer == "csv":
            text = content.decode(extract.encoding.value).removeprefix("\ufeff")
            return list(csv.reader(io.StringIO(text, newline=""), strict=True))
        return json.loads(
            content.decode("utf-8"), parse_int=WrittenNumber, parse_float=WrittenNumber, parse_constant=_no_number,
            object_pairs_hook=_object,
        )  # fmt: skip
    except (UnicodeDecodeError, ValueError, csv.Error, RecursionError) as error:
        raise NotThisTime(f"answered with what is not {extract.answer}: {' '.join(str(error).split())}") from None


def records_in(extract: ExtractApi, answer: Any) -> list[Record]:
    """The records of one answer. `ExtractionError` if they are not where the contract says."""
    if extract.answer == "csv":
        return list(_lines(answer))
    found = at(answer, extract.records) if extract.records else answer
    where = f"{extract.records!r} of the answer" if extract.records else "the answer"
    if found is None and extract.records:
        has = ", ".join(answer) if isinstance(answer, dict) else type(answer).__name__
        raise ExtractionError(f"{where} is not there; the answer has: {has}")
    if extract.layout == "columns":
        return _of_columns(found, where)
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ExtractionError(f"{where} is not a list of objects")
    return [dict(_flat(one, "")) for one in found]


def at(answer: Any, path: str) -> Any:
    """What is at a place such as `data.items`; None if there is no such place."""
    for key in path.split("."):
        if not isinstance(answer, dict):
            return None
        answer = answer.get(key)
    return answer


def _lines(lines: Sequence[Sequence[str]]) -> Iterator[Record]:
    if not lines:
        raise ExtractionError("the answer is empty, and CSV begins with the names of its columns")
    header = lines[0]
    if len(set(header)) < len(header):
        raise ExtractionError(f"the answer names a column twice: {', '.join(header)}")
    for number, values in enumerate(lines[1:], start=2):
        if len(values) != len(header):
            raise ExtractionError(f"line {number} of the answer has {len(values)} values for {len(header)} columns")
        # CSV can't tell an empty text from none.
        yield {name: value or None for name, value in zip(header, values, strict=True)}


def _of_columns(found: Any, where: str) -> list[Record]:
    if not isinstance(found, dict) or not all(isinstance(values, list) for values in found.values()):
        raise ExtractionError(f"{where} is not an object with a list for each column")
    for (one, values), (other, others) in pairwise(found.items()):
        if len(values) != len(others):
            raise ExtractionError(f"{where} has {len(values)} values of {one} and {len(others)} of {other}")
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]


def _flat(record: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def as_json(value: Any) -> str:
    """A value as JSON again, with the digits that the service wrote."""
    match value:
        case WrittenNumber():
            return str(value)
        case list():
            return f"[{', '.join(map(as_json, value))}]"
        case dict():
            return (
                "{"
                + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {as_json(one)}" for key, one in value.items())
                + "}"
            )
        case _:
            return json.dumps(value, ensure_ascii=False)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
