"""What a contract can declare about a web API: which requests are made, how their answers are read, and when a day is
final."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from vending_platform.catalog.declared import Declared, Duration, Words
from vending_platform.catalog.extract.declared import Extract, SystemName
from vending_platform.catalog.file_format import DeliveryMode, Encoding, FileFormat
from vending_platform.catalog.names import NamePattern
from vending_platform.catalog.types import format_pattern

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
UNIX_TIME = "unix"
"""A format of times: seconds since 1970."""
_DAY, _SPAN, _ASKED_AT = "day", ("first_day", "last_day"), "asked_at"
_NAME_OF = {DeliveryMode.DAILY: "{yyyymmdd}", DeliveryMode.SNAPSHOT: "{yyyymmdd}", DeliveryMode.APPEND: "{any}"}
_KINDS = ("text", "integer", "decimal", "boolean", "date", "timestamp")
_OF_DAYS = ("lag", "final_after", "days_at_once")


class ByPage(Declared):
    """Pages have numbers; the first page without records is the end."""

    by: Literal["page"]
    param: str = Field("page", min_length=1)
    first: int = 1


class ByOffset(Declared):
    """Each page begins after as many records as have come; the first page without records is the end."""

    by: Literal["offset"]
    param: str = Field("offset", min_length=1)


class ByCursor(Declared):
    """Each answer says what to ask for next; one that says nothing, or null, is the end."""

    by: Literal["cursor"]
    param: str = Field("cursor", min_length=1)
    path: str = Field(min_length=1)
    """Where the answer says it, such as `meta.next`."""


class ByLink(Declared):
    """The header `Link` gives the address of the next page; one without `rel="next"` is the end."""

    by: Literal["link"]


Paging = Annotated[ByPage | ByOffset | ByCursor | ByLink, Field(discriminator="by")]


class ExtractApi(Extract):
    """What requests to a web API answer.

    Delivery `daily` means a file for each day, asked for again until the day is final; `snapshot` all that there is;
    `append` what the API says at the moment, such as a forecast, of which every version is kept.
    """

    tags: ClassVar[frozenset[str]] = frozenset({"http", "parquet"})

    api: str = Field(min_length=1)
    """A key of `apis` in environments.yml."""
    path: str = ""
    """What follows the address of the API. Here and in `params` and `add`, a name in braces is a value of `each`, or
    one of `{day}`, `{first_day}` and `{last_day}`."""
    params: Mapping[str, str] = {}
    each: tuple[Mapping[str, str], ...] = ()
    """Requests are made once for each of these, and all of them must be answered before anything is delivered."""
    answer: Literal["json", "csv"] = "json"
    encoding: Encoding = Encoding.UTF_8
    records: str = ""
    """Where in the answer the records are, such as `data.items`; the whole answer if it is empty."""
    layout: Literal["rows", "columns"] = "rows"
    """`columns`: an object that has a list of values for each column."""
    paging: Paging | None = None
    add: Mapping[str, str] = {}
    """Columns that no answer has, each with its value; `{asked_at}` is the moment of the extraction."""
    formats: Words = ()
    """How dates and times are written in answers, besides ISO 8601; `unix` means seconds since 1970."""
    lag: Duration = timedelta(days=1)
    """How long after its beginning a day is asked for."""
    final_after: Duration = timedelta(0)
    """How long after its end a day may still change."""
    days_at_once: int = Field(31, ge=1)
    """How many days are at most between `{first_day}` and `{last_day}` of a request, both included."""

    @field_validator("params", "add", mode="before")
    @classmethod
    def _values_are_text(cls, value: object) -> object:
        return _as_text(value)

    @field_validator("each", mode="before")
    @classmethod
    def _each_is_text(cls, value: object) -> object:
        return [_as_text(one) for one in value] if isinstance(value, list) else value

    @field_validator("formats")
    @classmethod
    def _formats_are_possible(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for form in value:
            if form != UNIX_TIME:
                format_pattern("timestamp" if has_time(form) else "date", form)
        return value

    @property
    def system(self) -> SystemName:
        return SystemName("api", self.api)

    @property
    def description(self) -> str:
        of_each = f", for each of {len(self.each)}" if self.each else ""
        return f"What the API {self.api} answers at `{self.path or '/'}`{of_each}."

    @property
    def has_past(self) -> bool:
        return self.is_of_days

    @property
    def is_of_days(self) -> bool:
        """Whether its requests name a day or a span of days."""
        return not self.used_placeholders.isdisjoint((_DAY, *_SPAN))

    @property
    def is_of_spans(self) -> bool:
        """Whether one request can be about several days."""
        return not self.used_placeholders.isdisjoint(_SPAN)

    @property
    def counts_pages(self) -> bool:
        """Whether a page is a place in a list, which moves if the list changes."""
        return isinstance(self.paging, ByPage | ByOffset)

    @property
    def used_placeholders(self) -> frozenset[str]:
        """The names in braces of its requests."""
        texts = (self.path, *self.params.values())
        return frozenset(name for text in texts for name in PLACEHOLDER.findall(text))

    def columns_named(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for name, value in self.add.items():
            yield "add", name, ("timestamp", "text") if f"{{{_ASKED_AT}}}" in value else _KINDS

    def problem_with(self, files: FileFormat, patterns: tuple[NamePattern, ...]) -> str | None:
        return (
            super().problem_with(files, patterns) or self._problem_with_names(files) or self._problem_with_days(files)
        )

    def _problem_with_names(self, files: FileFormat) -> str | None:
        needed = _NAME_OF.get(files.delivery)
        if needed is None:
            return f"extract needs delivery 'daily', 'snapshot' or 'append', not {files.delivery.value!r}"
        template = files.names[0]
        if template.count("{") != 1 or needed not in template:
            return f"extract needs {needed} in the name, and nothing else in braces: {template!r}"
        for one in self.each:
            if one.keys() != self.each[0].keys():
                return f"extract: every entry of each needs the same keys, and {dict(one)} has others than the first"
        known = {_DAY, *_SPAN, *(self.each[0] if self.each else ())}
        if unknown := sorted(self.used_placeholders - known):
            return f"extract: {{{unknown[0]}}} is not among {', '.join(sorted(known))}"
        in_added = {name for text in self.add.values() for name in PLACEHOLDER.findall(text)}
        if unknown := sorted(in_added - (known - {*_SPAN}) - {_ASKED_AT}):
            return f"extract: {{{unknown[0]}}} in add is not among {', '.join(sorted(known - {*_SPAN} | {_ASKED_AT}))}"
        if _ASKED_AT in in_added and files.delivery is not DeliveryMode.APPEND:
            return (
                "extract: {asked_at} in add needs delivery 'append': elsewhere every extraction would change the file"
            )
        if self.layout == "columns" and self.answer == "csv":
            return "extract: layout 'columns' means nothing for csv"
        if self.answer == "csv" and (self.records or isinstance(self.paging, ByCursor)):
            return "extract: records and a cursor are in JSON, and answer is 'csv'"
        return None

    def _problem_with_days(self, files: FileFormat) -> str | None:
        if files.delivery is not DeliveryMode.DAILY:
            if self.is_of_days:
                return f"extract: days in a request need delivery 'daily', not {files.delivery.value!r}"
            if said := [key for key in _OF_DAYS if key in self.model_fields_set]:
                return f"extract: {said[0]} means something only for delivery 'daily'"
            return None
        if not self.is_of_days:
            return "extract: delivery 'daily' needs {day}, or {first_day} and {last_day}, in path or params"
        if self.is_of_spans and not {*_SPAN} <= self.used_placeholders:
            return "extract: {first_day} and {last_day} belong together"
        if self.is_of_spans and _DAY in self.used_placeholders:
            return "extract: {day} is one day, and {first_day} and {last_day} are several: use the one or the other"
        if self.is_of_spans and files.day_column is None:
            return "extract: {first_day} and {last_day} need a day_column, which says to which day a record belongs"
        return None


def has_time(form: str) -> bool:
    """Whether a format is one of times, and not of dates."""
    return any(part in form for part in ("%H", "%-H", "%I", "%-I"))


def _as_text(value: object) -> object:
    """Numbers may be written bare, as YAML allows."""
    if not isinstance(value, dict):
        return value
    return {
        key: str(one) if isinstance(one, int | float) and not isinstance(one, bool) else one
        for key, one in value.items()
    }
