"""All pages of one question."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from vending_platform.catalog import ByCursor, ByLink, ByOffset, ByPage, ExtractApi
from vending_platform.extraction.interface import ExtractionError
from vending_platform.extraction.web.answers import Record, at, parsed, records_in
from vending_platform.extraction.web.client import ApiAnswer, ApiClient

_MOST_PAGES = 10_000


@dataclass(frozen=True)
class _Page:
    """Where a page is."""

    address: str
    params: Mapping[str, str]


def pages(
    client: ApiClient, extract: ExtractApi, path: str, params: Mapping[str, str], about: str
) -> Iterator[list[Record]]:
    """The records of each page; what is wrong with one of them is raised in its place."""
    first = _Page(path, {**params, **_first(extract)})
    page: _Page | None = first
    seen, count = [first], 0
    while page is not None:
        number = len(seen)
        answer = client.get(
            page.address, page.params, f"{about}, page {number}" if number > 1 else about, partial(parsed, extract)
        )
        try:
            records = records_in(extract, answer.content)
            count += len(records)
            page = _next(extract, first, number, count, records, answer)
            if page in seen:
                raise ExtractionError("a page is named again that was named before")
            if number >= _MOST_PAGES:
                raise ExtractionError(f"there are more than {_MOST_PAGES:,} pages")
        except ExtractionError as problem:
            raise ExtractionError(f"{client.name} ({about}): {problem}") from None
        yield records
        if page is not None:
            seen.append(page)


def _first(extract: ExtractApi) -> dict[str, str]:
    match extract.paging:
        case ByPage(param=param, first=first):
            return {param: str(first)}
        case ByOffset(param=param):
            return {param: "0"}
        case _:
            return {}


def _next(
    extract: ExtractApi, first: _Page, number: int, count: int, records: list[Record], answer: ApiAnswer[Any]
) -> _Page | None:
    """The page after so many pages with so many records; None after the last one."""
    match extract.paging:
        case ByPage(param=param, first=begin) if records:
            return _Page(first.address, {**first.params, param: str(begin + number)})
        case ByOffset(param=param) if records:
            return _Page(first.address, {**first.params, param: str(count)})
        case ByCursor(param=param, path=path) if (cursor := _cursor(at(answer.content, path))) is not None:
            return _Page(first.address, {**first.params, param: cursor})
        case ByLink() if answer.next_page is not None:
            return _Page(answer.next_page, {})
        case _:
            return None


def _cursor(value: Any) -> str | None:
    """None at the end, which services write as null, false, an empty text, or not at all."""
    if value is None or value is False or value == "":
        return None
    if not isinstance(value, str):
        raise ExtractionError("the next cursor is neither a text nor a number")
    return str(value)
