"""The exports that the dbt project declares: exposures with `config.meta.export`.

All that an export's reader can count on is said there and checked here: which columns leave, under which headers, in
which order, what is masked or suppressed, and for whom it is. How it is done is exporting's business.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from vending_platform.catalog.declared import Words
from vending_platform.catalog.lake import LakeNamespace, PartitionRules

_FILE_STEM = re.compile(r"[\w-][\w.-]{0,79}")


class Format(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"
    DASHBOARD = "dashboard"
    """Parquet for a page in a browser, which reads it over HTTP: one file, or one a month."""
    JSON = "json"
    """One list, a row per line; decimals are texts, so that no digit is lost."""
    ICEBERG = "iceberg"
    """A table of the lake, in the place of files."""


class CsvEncoding(StrEnum):
    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    """With the mark by which Excel recognises UTF-8."""
    CP932 = "cp932"


class Unencodable(StrEnum):
    """What becomes of a day with a character that the encoding lacks."""

    REFUSE = "refuse"
    """It is not exported, and the files of before stay."""
    REPLACE = "replace"
    """〓 takes the character's place, as printers of Japanese have done for long, and it is reported."""


class Audience(StrEnum):
    INTERNAL = "internal"
    PUBLIC = "public"
    """People outside the company: no personal data, and no figure that is about a few only."""


class ExportSetting(BaseModel):
    """A misspelt key is an error, never an ignored wish."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class ExportColumn(ExportSetting):
    """A column that leaves, under its header. `values` puts words in the place of values; others leave as they are."""

    name: str
    header: str = ""
    values: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_name_only(cls, said: object) -> object:
        return {"name": said} if isinstance(said, str) else said

    @property
    def title(self) -> str:
        return self.header or self.name


class Suppression(ExportSetting):
    """Where the column `count` is less than `below`, it is blanked, and `columns` with it; and as many other rows as it
    takes, so that no total tells what is blanked: of all rows, and of each value of the columns `totals`."""

    count: str
    below: int = Field(ge=2)
    columns: tuple[str, ...] = Field(min_length=1)
    totals: tuple[str, ...] = Field((), max_length=2)


class Export(ExportSetting):
    """Which model becomes which files. `partition_by` is the model's business day; without it there is one file.

    With `split_by` there is one for each value of that column. `order_by` names columns, with ` desc` behind it for
    the greatest first. `mask` are columns whose values become numbers that mean something within one file only.
    """

    name: str
    model: str
    schema_name: str
    description: str = ""
    owner: str = ""
    email: str | None = None
    format: Format
    encoding: CsvEncoding | None = None
    unencodable: Unencodable = Unencodable.REFUSE
    """What leaves is what the mart has, unless somebody has decided that a list with 〓 in it is better than none."""
    partition_by: str | None = None
    file_stem: str
    columns: tuple[ExportColumn, ...] = ()
    language: str | None = Field(default=None, pattern="^[a-z]{2}$")
    """Of the headers; then every column has one."""
    split_by: str | None = None
    order_by: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    pseudonyms: tuple[str, ...] = ()
    """Columns whose values leave as keyed pseudonyms, the same in every file."""
    audience: Audience = Audience.INTERNAL
    suppress: Suppression | None = None
    unsuppressed_because: str | None = Field(default=None, min_length=10)
    """Why nothing that the public gets could be about a few only."""
    publish_if_checks_failed: bool = False
    namespace: LakeNamespace = LakeNamespace.GOLD
    key: Words = ()
    """Of a table of the lake: of a model without days, by which only rows that differ are written again."""
    partitioning: PartitionRules = ()
    """Of a table of the lake: rows of one value are in files of their own."""
    renamed: Mapping[str, str] = {}
    """Of a table of the lake: new names of columns, each with the old one."""
    column_descriptions: Mapping[str, str] = {}

    @field_validator("file_stem")
    @classmethod
    def _stays_in_its_folder(cls, stem: str) -> str:
        if not _FILE_STEM.fullmatch(stem):
            raise ValueError(
                f"{stem!r} can't begin a file's name: letters, digits, '-', '_' and '.', no dot first, 80 at most"
            )
        return stem

    @model_validator(mode="after")
    def _encoding_is_for_text(self) -> Self:
        if (self.encoding is None) == (self.format is Format.CSV):
            raise ValueError(f"'encoding' belongs to csv and only to csv; allowed: {', '.join(CsvEncoding)}")
        return self

    @model_validator(mode="after")
    def _a_page_finds_its_files_by_month(self) -> Self:
        if self.format is Format.DASHBOARD and self.split_by is not None:
            raise ValueError("'split_by' is not for format dashboard: a page filters the rows of a month itself")
        return self

    @model_validator(mode="after")
    def _files_and_tables_differ(self) -> Self:
        is_table = self.format is Format.ICEBERG
        for key in sorted((_OF_FILES if is_table else _OF_TABLES) & self.model_fields_set):
            if not (key == "file_stem" and self.file_stem == self.name):
                belongs = "to files, and format iceberg makes a table" if is_table else "to tables, of format iceberg"
                raise ValueError(f"{key!r} belongs {belongs}")
        if is_table and self.audience is Audience.PUBLIC:
            raise ValueError("a table of the lake is for the company's own people: what the public gets is a file")
        if self.key and self.partition_by is not None:
            raise ValueError("'key' and 'partition_by' exclude each other: a table is merged by key or replaced by day")
        return self

    @model_validator(mode="after")
    def _only_some_encodings_lack_characters(self) -> Self:
        if "unencodable" in self.model_fields_set and self.encoding is not CsvEncoding.CP932:
            raise ValueError("'unencodable' belongs to the encoding cp932: all others have every character")
        return self

    @model_validator(mode="after")
    def _headers_can_be_read(self) -> Self:
        for what, names in {
            "column": [column.name for column in self.columns],
            "header": [column.title for column in self.columns],
        }.items():
            if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
                raise ValueError(f"columns: the {what} {twice[0]!r} is there twice")
        if self.language is not None and not self.columns:
            raise ValueError("'language' is that of the headers: say 'columns', each with its header")
        for column in self.columns:
            if self.language is not None and not column.header:
                raise ValueError(f"columns: {column.name} has no header, and 'language' promises one")
            if self.encoding is CsvEncoding.CP932:
                try:
                    "".join([column.title, *column.values.values()]).encode("cp932")
                except UnicodeEncodeError as error:
                    raise ValueError(
                        f"columns: {column.name} has a header or value with {error.object[error.start]!r},"
                        " which cp932 has not"
                    ) from None
        return self

    @model_validator(mode="after")
    def _public_is_safe(self) -> Self:
        if self.suppress is not None and self.unsuppressed_because is not None:
            raise ValueError("'suppress' and 'unsuppressed_because' exclude each other")
        if self.audience is not Audience.PUBLIC:
            return self
        if self.suppress is None and self.unsuppressed_because is None:
            raise ValueError(
                "an export for the public says what is blanked where a figure is about a few only"
                " (suppress: {count: COLUMN, below: 5, columns: [...]}), or why nothing is (unsuppressed_because)"
            )
        if not self.columns:
            raise ValueError("an export for the public names its 'columns', so that a new one never leaves by itself")
        return self

    @property
    def is_by_month(self) -> bool:
        """Whether there is one file for all days of a month, because a page would wait for each file by itself."""
        return self.format is Format.DASHBOARD and self.partition_by is not None

    @property
    def is_by_day(self) -> bool:
        """Whether each business day has files of its own (each month, where the model's rows are of months)."""
        return self.format is not Format.DASHBOARD and self.partition_by is not None

    @property
    def contract(self) -> dict[str, Any]:
        """What the exposure says of the files beyond their format, as JSON has it."""
        keys = _CONTRACT | _OF_TABLES if self.format is Format.ICEBERG else _CONTRACT
        said: dict[str, Any] = self.model_dump(mode="json", include=keys)
        # Keys that exports did not have from the beginning: where they say nothing, the files are as they were.
        if not self.pseudonyms:
            said.pop("pseudonyms")
        if self.suppress is not None and not self.suppress.totals:
            said["suppress"].pop("totals")
        return said

    @property
    def code_version(self) -> str:
        """All that decides what the files look like; what is not said is not in it."""
        form = {"format", "encoding", "partition_by", "file_stem"} | ({"unencodable"} & self.model_fields_set)
        return self.model_dump_json(include=form | ((_CONTRACT | _OF_TABLES) & self.model_fields_set))

    @cached_property
    def ordered_by(self) -> tuple[tuple[str, str], ...]:
        """As Arrow has it."""
        pairs = (said.removesuffix(" desc") for said in self.order_by)
        return tuple(
            (name, "descending" if name != said else "ascending")
            for name, said in zip(pairs, self.order_by, strict=True)
        )

    def leaving(self, names: Iterable[str]) -> list[str]:
        """Of all of the model's columns those that leave."""
        return [column.name for column in self.columns] or list(names)


_CONTRACT = {
    *("columns", "language", "split_by", "order_by", "mask", "pseudonyms", "audience", "suppress"),
    *("unsuppressed_because", "publish_if_checks_failed"),
}
_OF_TABLES = {"namespace", "key", "partitioning", "renamed"}
_OF_FILES = {"file_stem", "split_by", "order_by", "mask", "pseudonyms"}
NOTHING_SAID: dict[str, Any] = Export(name="", model="", schema_name="", format=Format.PARQUET, file_stem="x").contract
"""The contract of an export that says its format only."""
