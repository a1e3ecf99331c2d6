"""Items in DynamoDB's JSON become rows: DuckDB reads each file once, for all sources that items of the table go to."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import duckdb

from vending_platform.catalog import Column, ExtractItems, Source
from vending_platform.extraction.dynamodb.documents import canonical, register
from vending_platform.extraction.dynamodb.verifying import DataFile
from vending_platform.extraction.engine import quoted, text
from vending_platform.extraction.interface import ExtractionError

_LONGEST = 16 * 1024 * 1024
"""An item has 400 kB, and a line may hold it twice, with every character escaped."""
_VALUE = (
    'STRUCT(S VARCHAR, N VARCHAR, B VARCHAR, "BOOL" VARCHAR, "NULL" VARCHAR, SS JSON, NS JSON, BS JSON, M JSON, L JSON)'
)
_DOCUMENTS = ("M", "L", "SS", "NS", "BS")
Image = str
NEW, OLD, KEYS = "new", "old", "keys"


def extract_of(source: Source) -> ExtractItems:
    assert isinstance(source.extract, ExtractItems), "only items of DynamoDB come here"
    return source.extract


def item_columns(source: Source) -> list[Column]:
    """Those that come from attributes of the items."""
    extract = extract_of(source)
    return [column for column in source.columns if column.name not in (extract.deleted, extract.rest)]


@dataclass(frozen=True)
class Items:
    """The table `items` of an engine: for each attribute that a source uses its value as text, of each image."""

    engine: duckdb.DuckDBPyConnection
    sources: Sequence[Source]
    key: Sequence[str]
    is_full: bool
    table: str
    """As environments.yml calls it."""
    declared: Sequence[Source]
    """All sources that items of the table go to, also those that are not extracted now."""

    def load(self, files: Sequence[DataFile], export: str) -> None:
        register(self.engine, "canonical_document", canonical)
        filled = [str(file.path) for file in files if file.items]
        wanted = ", ".join(self._selected())
        try:
            self.engine.execute(f"create temp table items as select {wanted} from {self._lines(filled)}")
        except duckdb.Error as error:
            why = " ".join(str(error).split())
            raise ExtractionError(f"{export} can't be read as DynamoDB JSON: {why}") from error
        ((rows,),) = self.engine.execute("select count(*) from items").fetchall()
        if rows != sum(file.items for file in files):
            raise ExtractionError(
                f"{export} has {rows:,} items, and its manifest lists {sum(file.items for file in files):,}"
            )

    def value(self, image: Image, attribute: str, *, is_moment: bool = False) -> str:
        """The column with an attribute of one image."""
        return f"{image}_{'moment' if is_moment else 'text'}_{self.attributes.index(attribute)}"

    @cached_property
    def attributes(self) -> list[str]:
        found = [column.text_in_header for source in self.sources for column in item_columns(source)]
        found += [name for source in (*self.sources, *self.declared) for name in extract_of(source).where]
        return list(dict.fromkeys([*self.key, *found]))

    @cached_property
    def moments(self) -> frozenset[str]:
        """Attributes that are a time for some source."""
        columns = [column for source in self.sources for column in item_columns(source)]
        return frozenset(column.text_in_header for column in columns if column.type.kind == "timestamp")

    @property
    def has_rest(self) -> bool:
        return any(extract_of(source).rest is not None for source in self.sources)

    def belongs(self, source: Source, image: Image) -> str:
        """Whether the image is an item of the source."""
        rules = [f"has_{image}"]
        for name, values in extract_of(source).where.items():
            column = self.value(image, name)
            any_of = [
                f"starts_with({column}, {text(value[:-1])})" if value.endswith("*") else f"{column} = {text(value)}"
                for value in values
            ]
            rules.append(f"coalesce({' or '.join(any_of)}, false)")
        return " and ".join(rules)

    @property
    def _images(self) -> dict[Image, str]:
        return {NEW: "Item"} if self.is_full else {NEW: "NewImage", OLD: "OldImage"}

    def _lines(self, files: Sequence[str]) -> str:
        """SQL for the lines of the files, a field for each image. Whole items are only kept as text where a source
        wants what its columns don't take: then each line is read twice."""
        item = "STRUCT(" + ", ".join(f"{quoted(name)} {_VALUE}" for name in self.attributes) + ")"
        fields = dict.fromkeys(self._images.values(), item)
        if not self.is_full:
            fields["Keys"] = "STRUCT(" + ", ".join(f"{quoted(name)} {_VALUE}" for name in self.key) + ")"
        if not files:
            empty = [f"null::{kind} as {quoted(field)}" for field, kind in fields.items()]
            return f"(select null::JSON as json, {', '.join(empty)} limit 0)"
        paths = f"[{', '.join(map(text, files))}], compression = 'gzip', maximum_object_size = {_LONGEST}"
        if not self.has_rest:
            declared = ", ".join(f"{quoted(field)}: {text(kind)}" for field, kind in fields.items())
            return f"read_json({paths}, format = 'newline_delimited', columns = {{{declared}}})"
        cast = ", ".join(
            f"json_transform(json->{text(field)}, {text(_as_json(kind))}) as {quoted(field)}"
            for field, kind in ((f, self._names_of(f)) for f in fields)
        )
        return f"(select json, {cast} from read_ndjson_objects({paths}))"

    def _names_of(self, field: str) -> Sequence[str]:
        return self.key if field == "Keys" else self.attributes

    def _selected(self) -> Iterable[str]:
        for image, field in self._images.items():
            yield f"{quoted(field)} is not null as has_{image}"
            for name in self.attributes:
                place = f"{quoted(field)}.{quoted(name)}"
                yield f"{_as_text(place)} as {self.value(image, name)}"
                if name in self.moments:
                    yield f"{_as_moment(place)} as {self.value(image, name, is_moment=True)}"
            if self.has_rest:
                yield f"json->{text(field)} as {image}_json"
        if not self.is_full:
            for name in self.key:
                yield f"{_as_text(f'Keys.{quoted(name)}')} as {self.value(KEYS, name)}"


def _as_json(names: Sequence[str]) -> str:
    """How json_transform wants the structure."""
    kinds = dict.fromkeys(("S", "N", "B", "BOOL", "NULL"), "VARCHAR") | dict.fromkeys(_DOCUMENTS, "JSON")
    return json.dumps(dict.fromkeys(names, kinds))


def _as_text(place: str) -> str:
    """An attribute as text, whatever its type; null where it is absent, or null."""
    documents = " ".join(
        f"when {place}.{kind} is not null then '{{\"{kind}\":' || {place}.{kind} || '}}'" for kind in _DOCUMENTS
    )
    return (
        f"coalesce({place}.S, {place}.N, {place}.BOOL, hex(from_base64({place}.B)),"
        f" canonical_document(case {documents} end))"
    )


def _as_moment(place: str) -> str:
    """The same, with a number as what it is where times are numbers: seconds since 1970."""
    is_number = f"regexp_full_match({place}.N, '-?[0-9]{{1,11}}([.][0-9]{{1,6}})?')"
    moment = f"make_timestamp(cast(cast({place}.N as decimal(38, 6)) * 1000000 as bigint))"
    return f"case when {is_number} then strftime({moment}, '%Y-%m-%dT%H:%M:%S.%fZ') else {_as_text(place)} end"
