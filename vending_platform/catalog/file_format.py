"""What a contract can declare about a source's files: their names, their format, who sends them, when one is refused.

Everything in here is data: how a rule is applied is ingestion's business.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vending_platform.catalog.column import IDENTIFIER
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
from vending_platform.catalog.names import PARTS, NamePattern, parse_name_pattern

_OF_CSV = (
    *("encodings", "delimiter", "quote", "decimal_mark", "thousands_mark", "currency_signs"),
    *("negative_in_parentheses", "has_header"),
)
"""Keys about how values are written as text."""
_OF_HEADERS = ("unknown_columns", "missing_columns")
"""Keys about what the header of a file says."""


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


class PackageMember(Declared):
    """That the files of a source belong to a package, with files of other sources.

    `manifest` is the path of the file that lists them all, and `kind` what it calls those of this source. What has not
    come `complete_within` so much time after the first file is reported."""

    name: str
    manifest: str
    kind: str = Field(min_length=1)
    required: bool = False
    """Whether every package has a file of this kind."""
    complete_within: Duration

    @field_validator("name")
    @classmethod
    def _name_is_possible(cls, value: str) -> str:
        if not IDENTIFIER.fullmatch(value):
            raise ValueError(f"{value!r} can't be a package's name: lower-case letters, digits and _, a letter first")
        return value


class FileFormat(Declared):
    """How a source's files look, and what is done when one does not look like that."""

    sender: Sender | None = None
    names: Words = Field(min_length=1)
    package: PackageMember | None = None
    delivery: DeliveryMode
    grain: Grain | None = None
    format: ContentFormat = ContentFormat.CSV
    key: Words = Field(min_length=1)
    day_column: str | None = None
    day_time_zone: TimeZone | None = None
    day_tolerance: Duration = timedelta(0)
    encodings: Annotated[tuple[Encoding, ...], OneOrMore] = Field((Encoding.UTF_8,), min_length=1)
    delimiter: Delimiter = ","
    has_header: bool = True
    """Without one, the first line is a row, and the columns come in the contract's order."""
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
        if self.package is not None:
            self._check_package(self.package, patterns)
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
            if not self.has_header and (said := [key for key in _OF_HEADERS if key in self.model_fields_set]):
                raise ValueError(f"{said[0]} means nothing for files without a header")
            return
        of_text = _OF_CSV if self.format is ContentFormat.JSONL else (*_OF_CSV, "final_newline")
        if said := [key for key in of_text if key in self.model_fields_set]:
            raise ValueError(f"{said[0]} means nothing for format {self.format.value!r}")

    def _check_package(self, package: PackageMember, patterns: Sequence[NamePattern]) -> None:
        """A package is of one sender and one day or month, and in one folder."""
        manifest = parse_name_pattern(package.manifest, self.sender_name)
        if not self.is_dated or not manifest.has_sender or manifest.grain is not patterns[0].grain:
            raise ValueError(
                "package: its manifest's path names the sender, and the day or the month as the files' names do"
                f" (delivery 'daily' or 'monthly'); {package.manifest!r} does not"
            )
        if "{any}" in package.manifest:
            raise ValueError("package: {any} can't be in its manifest's path, which has to be known beforehand")
        folder = package.manifest.rpartition("/")[0]
        for pattern in patterns:
            if not folder or pattern.template.rpartition("/")[0] != folder:
                raise ValueError(
                    f"package: its files lie in the folder of its manifest, {folder or '(none)'!r}, and"
                    f" {pattern.template!r} does not"
                )

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
