"""What a contract can say about a delivered file and its columns, checked when it is loaded.

A `Source` is one dbt source with `config.meta.files`. Everything in here is data: how a rule is applied is
ingestion's business.
"""

import hashlib
import json
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vending_platform.catalog.column import IDENTIFIER, Column
from vending_platform.catalog.declared import (
    Character,
    Declared,
    Delimiter,
    Duration,
    OneOrMore,
    Share,
    TimeZone,
    Words,
)
from vending_platform.catalog.grain import Grain
from vending_platform.catalog.names import PARTS, NameParts, NamePattern, parse_name_pattern

_BESIDE_READING = (
    *("names", "first_day", "sender", "required", "block_above"),
    *("quarantine_for", "archive_after"),
)
"""What a contract says about files without changing what is read from their bytes."""
_SINCE = {
    "trim": False,
    "negative_in_parentheses": False,
    "day_time_zone": None,
    "duplicates": "reject",
    "grain": None,
    "format": "csv",
}
"""Keys that contracts did not have from the beginning: at these values they change nothing of what was read before."""
_OF_CSV = (
    *("encodings", "delimiter", "quote", "decimal_mark", "thousands_mark", "currency_signs"),
    "negative_in_parentheses",
)
"""Keys about how values are written as text."""
_SENDER_COLUMN = "machine_column"
"""What the hash calls the sender's column: contracts called it so when the oldest files in a ledger were read."""


_FORMS = {"date": ("%Y-%m-%d",), "timestamp": ("%Y-%m-%d %H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%f")}
"""How values of Parquet are written as text."""


class DeliveryMode(StrEnum):
    """How the files of a source relate to each other."""

    DAILY = "daily"
    """A file belongs to the business day in its name."""
    MONTHLY = "monthly"
    """A file belongs to the month in its name."""
    SNAPSHOT = "snapshot"
    """The newest file is the whole table; older versions are kept as its history."""
    APPEND = "append"
    """Every file adds rows; the name gives no day."""


class Encoding(StrEnum):
    UTF_8 = "utf-8"
    CP932 = "cp932"


class ContentFormat(StrEnum):
    """What the bytes of a file are. Parquet and JSON lines have types of their own, which are held against the
    contract's."""

    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"


class KnownFrom(Declared):
    """The source that lists who must deliver: one row per sender, with the days between which it is due."""

    source: str
    column: str
    since: str
    until: str


class Sender(Declared):
    """Who sends a source's files: what one is called (and so the part of a file's name that gives it), the column that
    repeats it in every row, and where all of them are listed."""

    name: str
    column: str | None = None
    known_from: KnownFrom | None = None

    @field_validator("name")
    @classmethod
    def _name_is_possible(cls, value: str) -> str:
        if not IDENTIFIER.fullmatch(value) or value in PARTS:
            raise ValueError(
                f"{value!r} can't be a sender's name: lower-case letters, digits and _, and none of {', '.join(PARTS)}"
            )
        return value


class FileFormat(Declared):
    """How a source's files look, and what is done when one does not look like that."""

    sender: Sender | None = None
    names: Words = Field(min_length=1)
    delivery: DeliveryMode
    grain: Grain | None = None
    format: ContentFormat = ContentFormat.CSV
    key: Words = Field(min_length=1)
    day_column: str | None = None
    day_time_zone: TimeZone | None = None
    day_tolerance: Duration = timedelta(0)
    encodings: Annotated[tuple[Encoding, ...], OneOrMore] = Field((Encoding.UTF_8,), min_length=1)
    delimiter: Delimiter = ","
    quote: Character | Literal["none"] = '"'
    decimal_mark: Character = "."
    thousands_mark: Character | None = None
    currency_signs: Words = ()
    negative_in_parentheses: bool = False
    trim: bool = False
    final_newline: Literal["required", "optional"] = "required"
    unknown_columns: Literal["keep", "refuse"] = "keep"
    missing_columns: Literal["fill", "refuse"] = "fill"
    refuse_above: Share = 0.5
    block_above: Share = 0.5
    first_day: date = date(2020, 1, 1)
    duplicates: Literal["reject", "keep"] = "reject"
    min_rows: int = Field(0, ge=0)
    required: bool = False
    quarantine_for: Duration = timedelta(days=400)
    archive_after: Duration | None = None

    @field_validator("names")
    @classmethod
    def _names_are_possible(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "sender" in info.data:  # otherwise what is wrong with the sender is the problem
            for template in value:
                parse_name_pattern(template, _name_of(info.data["sender"]))
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        patterns = [parse_name_pattern(template, self.sender_name) for template in self.names]
        for pattern in patterns:
            if self.delivery is DeliveryMode.DAILY and pattern.grain is not Grain.DAY:
                raise ValueError(f"delivery 'daily' needs the day in the name, and {pattern.template!r} has none")
            if self.delivery is DeliveryMode.MONTHLY and pattern.grain is not Grain.MONTH:
                has = "has none" if pattern.grain is None else "names a day"
                raise ValueError(f"delivery 'monthly' needs the month in the name, and {pattern.template!r} {has}")
            if self.delivery is DeliveryMode.APPEND and pattern.grain is not None:
                raise ValueError(f"delivery 'append' has no day in the name, and {pattern.template!r} has one")
            if self.delivery is DeliveryMode.SNAPSHOT and pattern.has_sender:
                raise ValueError(f"delivery 'snapshot' is one file for all, and {pattern.template!r} names a sender")
            if self.sender_column and not pattern.has_sender:
                raise ValueError(
                    f"sender.column needs {{{self.sender_name}}} in the name, and {pattern.template!r} has none"
                )
        if self.delivery is DeliveryMode.SNAPSHOT and self.day_column:
            raise ValueError("day_column means nothing for delivery 'snapshot'")
        if self.day_tolerance and not (self.is_dated and self.day_column):
            raise ValueError("day_tolerance means something only for delivery 'daily' or 'monthly' with a day_column")
        self._check_grain()
        self._check_format()
        if len({self.delimiter, self.quote, "\n", "\r"}) < 4:
            raise ValueError("delimiter and quote must differ from each other and from a line end")
        if self.decimal_mark == self.thousands_mark:
            raise ValueError(f"decimal_mark and thousands_mark can't both be {self.decimal_mark!r}")
        return self

    def _check_grain(self) -> None:
        """`grain` says it where it could be either; elsewhere it may repeat what `delivery` says."""
        if self.grain is None:
            return
        implied = {DeliveryMode.DAILY: Grain.DAY, DeliveryMode.MONTHLY: Grain.MONTH}.get(self.delivery)
        if implied is not None and self.grain is not implied:
            raise ValueError(f"grain {self.grain.value!r} contradicts delivery {self.delivery.value!r}")
        if implied is None and not (self.delivery is DeliveryMode.APPEND and self.day_column):
            raise ValueError("grain means something only for rows with days: delivery 'append' with a day_column")

    def _check_format(self) -> None:
        """What only text needs means nothing where values have types."""
        if self.format is ContentFormat.CSV:
            return
        of_text = _OF_CSV if self.format is ContentFormat.JSONL else (*_OF_CSV, "final_newline")
        if said := [key for key in of_text if key in self.model_fields_set]:
            raise ValueError(f"{said[0]} means nothing for format {self.format.value!r}")

    @property
    def is_dated(self) -> bool:
        """Whether a file belongs to the day or the month in its name."""
        return self.delivery in (DeliveryMode.DAILY, DeliveryMode.MONTHLY)

    @property
    def sender_name(self) -> str | None:
        """What a sender is called, such as machine."""
        return _name_of(self.sender)

    @property
    def sender_column(self) -> str | None:
        """The column that repeats the sender in every row."""
        return self.sender.column if self.sender is not None else None

    @property
    def known_from(self) -> KnownFrom | None:
        """Where everyone who must deliver is listed; None if nothing is expected of anyone."""
        return self.sender.known_from if self.sender is not None else None


def _name_of(sender: Sender | None) -> str | None:
    return sender.name if sender is not None else None


class Source(Declared):
    """The contract of one kind of delivered file: what dbt calls a source's table."""

    name: str
    schema_name: str
    unique_id: str = ""
    declared_in: str
    description: str = ""
    files: FileFormat
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not IDENTIFIER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} can't be a table's name: lower-case letters, digits and _, a letter first")
        for column in self.columns:
            header = column.text_in_header
            if header != header.strip() or {self.files.delimiter, self.files.quote, "\n", "\r"} & set(header):
                raise ValueError(f"header {header!r} has a blank at an end, a delimiter, a quote or a line end")
        names = [column.name for column in self.columns]
        headers = [column.text_in_header for column in self.columns]
        for header in headers:
            if headers.count(header) > 1:
                raise ValueError(f"header {header!r} belongs to two columns")
        self._check_places()
        for key, wanted in {
            "key": self.files.key,
            "sender.column": [self.files.sender_column],
            "day_column": [self.files.day_column],
        }.items():
            for name in wanted:
                if name is None:
                    continue
                if name not in names:
                    raise ValueError(f"{key} names {name!r}, which is not a column; columns: {', '.join(names)}")
                if not self.column(name).required:
                    raise ValueError(f"{key} names {name!r}, so that column must be required")
        self._check_days()
        return self

    def _check_places(self) -> None:
        """Where the columns are in rows that have names of their own."""
        is_csv = self.files.format is ContentFormat.CSV
        for column in self.columns:
            if is_csv and column.path is not None:
                raise ValueError(
                    f"column {column.name}: 'path' means nothing for format 'csv', only for: parquet, jsonl"
                )
            for other in self.columns:
                if other is not column and not is_csv and other.keys[: len(column.keys)] == column.keys:
                    raise ValueError(f"column {other.name} is in {column.place}, which is column {column.name}")
            if self.files.format is ContentFormat.PARQUET and column.type.kind != "text":
                for key in ("formats", "true_values", "false_values"):
                    if key in column.model_fields_set:
                        raise ValueError(f"column {column.name}: {key!r} means nothing for format 'parquet'")

    def _check_days(self) -> None:
        day_column = self.files.day_column
        for column in self.columns:
            if column.type.kind == "text" and column.formats and column.name != day_column:
                raise ValueError(
                    f"column {column.name}: 'formats' means nothing for type text, only for: date, timestamp, and for"
                    " a text that is the day_column"
                )
        zone = self.files.day_time_zone
        if zone is not None and (day_column is None or self.column(day_column).type.kind != "timestamp"):
            raise ValueError("day_time_zone means something only with a day_column that is a timestamp")
        if day_column is None:
            return
        column = self.column(day_column)
        if column.type.kind not in ("date", "timestamp") and not (column.type.kind == "text" and column.formats):
            raise ValueError(
                f"day_column {day_column!r} must be a date or a timestamp, or a text with 'formats' that say how a day"
                f" is read from it; it is {column.type}"
            )

    @property
    def is_dated(self) -> bool:
        """Whether a file belongs to the business day or the month in its name."""
        return self.files.is_dated

    @property
    def grain(self) -> Grain | None:
        """How long its periods are: those of its files or of its rows; None if it has no days."""
        if not self.has_days:
            return None
        return Grain.MONTH if self.files.delivery is DeliveryMode.MONTHLY else self.files.grain or Grain.DAY

    @property
    def compares_days(self) -> bool:
        """Whether the `day_column` decides between rows with the same key: a text doesn't, nor does a time whose
        business day is another zone's, as not every warehouse compares those in the same way."""
        day = self.files.day_column
        return day is not None and self.column(day).type.kind != "text" and self.files.day_time_zone is None

    @property
    def has_days(self) -> bool:
        """Whether its rows have business days: from the file's name, or each from its own column."""
        return self.is_dated or self.files.day_column is not None

    @property
    def counted_in(self) -> str:
        """What a row's number counts: lines of text, or rows."""
        return "line" if self.files.format is ContentFormat.CSV else "row"

    @property
    def as_read(self) -> "Source":
        """The contract of the text that reading gives. Of Parquet it is in one form, whatever the file holds: times
        with what they are from UTC, where they are moments, and without, where they are what clocks showed."""
        if self.files.format is not ContentFormat.PARQUET:
            return self
        columns = [
            column.model_copy(update={"formats": forms}) if (forms := _FORMS.get(column.type.kind)) else column
            for column in self.columns
        ]
        return self.model_copy(update={"columns": tuple(columns)})

    @cached_property
    def patterns(self) -> tuple[NamePattern, ...]:
        return tuple(parse_name_pattern(template, self.files.sender_name) for template in self.files.names)

    @cached_property
    def plain_header(self) -> bytes:
        """The first line of a file that looks exactly as the contract says, in UTF-8 and without its end."""
        return self.files.delimiter.join(column.text_in_header for column in self.columns).encode()

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def match(self, path: str) -> NameParts | None:
        """What a path says under this contract; None if it is another source's file."""
        name = path.rsplit("/", 1)[-1]
        found = (pattern.match(path if pattern.has_folders else name) for pattern in self.patterns)
        return next(filter(None, found), None)

    @cached_property
    def reading_hash(self) -> str:
        """Changes when the same bytes could give other rows; a new description changes nothing."""
        said: dict[str, Any] = self.model_dump(mode="json", exclude={"unique_id", "declared_in", "description"})
        for key in _BESIDE_READING:
            said["files"].pop(key)
        said["files"][_SENDER_COLUMN] = self.files.sender_column
        if self.is_dated or self.files.grain is Grain.DAY:
            said["files"]["grain"] = None  # it only repeats what is so without it
        for key, default in _SINCE.items():
            if said["files"][key] == default:
                said["files"].pop(key)
        for column in said["columns"]:
            column.pop("description")
            column.pop("personal")
            column.pop("references")
            for key in ("ambiguous_times", "path"):
                if column[key] is None:
                    column.pop(key)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
