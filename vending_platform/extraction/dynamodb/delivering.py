"""The items of one source in an export, as a delivery."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vending_platform.catalog import Source
from vending_platform.extraction.changes import add_deleted, remove_known
from vending_platform.extraction.dynamodb.columns import TypedColumn
from vending_platform.extraction.dynamodb.documents import register, rest_of
from vending_platform.extraction.dynamodb.reading import KEYS, NEW, OLD, Image, Items, extract_of, item_columns
from vending_platform.extraction.engine import copy_into, quoted


@dataclass(frozen=True)
class WrittenItems:
    """How many items the export has of a source, and how many rows, and deleted ones among them, the delivery."""

    read: int
    rows: int
    deleted: int


@dataclass(frozen=True)
class SourceItems:
    """What an export holds of a source."""

    items: Items
    source: Source
    folder: Path

    def write(
        self, to: Path, metadata: Mapping[bytes, bytes], earlier: Callable[[], list[Path]], *, overlaps: bool
    ) -> WrittenItems:
        """The rows into a file. `earlier` are the source's deliveries on this computer, which are only looked at where
        what they have makes a difference: for whole tables, and if they overlap with the export."""
        engine = self.items.engine
        engine.execute(f"create or replace temp view found as {self._found()}")
        as_text = self._columns_with_others()
        fields = [
            pa.field(self._name(typed), pa.string() if typed.column.name in as_text else typed.arrow)
            for typed in self._columns
        ]
        extract = extract_of(self.source)
        selected = [
            f"{typed.as_text(quoted(name)) if typed.column.name in as_text else f'cast({quoted(name)} as {typed.sql})'}"
            f" as {quoted(name)}"
            for typed in self._columns
            for name in [self._name(typed)]
        ]
        if extract.rest is not None:
            name = self.source.column(extract.rest).text_in_header
            fields.append(pa.field(name, pa.string()))
            selected.append(f"{self._rest_function()}(_rest) as {quoted(name)}")
        if self._mark is not None:
            fields.append(pa.field(self._mark, pa.bool_()))
            selected.append(f"_is_deleted as {quoted(self._mark)}")
        schema = pa.schema(fields, dict(metadata))
        copy_into(engine, f"select {', '.join(selected)} from found order by {self._key}", to, schema)
        ((read,),) = engine.execute("select count(*) from found").fetchall()
        if self.items.is_full:
            self._only_changes(to, earlier())
        else:
            if overlaps and (known := earlier()):
                remove_known(self.source, to, known, self.folder)
            if self._mark is not None:
                self._gone_in_between(to, earlier)
        return WrittenItems(read, _rows_of(to), self._deleted_in(to))

    def _only_changes(self, to: Path, known: list[Path]) -> None:
        """Of a whole table what is not known yet, and what is known and no longer there."""
        if not known:
            return
        whole = to.with_suffix(".whole")
        shutil.copyfile(to, whole)
        remove_known(self.source, to, known, self.folder)
        if self._mark is not None:
            add_deleted(self.source, to, whole, known, self.folder)

    def _gone_in_between(self, to: Path, earlier: Callable[[], list[Path]]) -> None:
        """An item that was written and deleted within the window has no image, yet an earlier delivery may have it."""
        images = " or ".join(f"has_{image}" for image in (NEW, OLD))
        named = ", ".join(f"{self.items.value(KEYS, attribute)} as {quoted(attribute)}" for attribute in self.items.key)
        keys = to.with_suffix(".keys")
        schema = pa.schema([pa.field(attribute, pa.string()) for attribute in self.items.key])
        copy_into(self.items.engine, f"select {named} from items where not ({images})", keys, schema)
        if _rows_of(keys) and (known := earlier()):
            add_deleted(self.source, to, keys, known, self.folder, keys_are_gone=True)

    def _deleted_in(self, path: Path) -> int:
        if self._mark is None:
            return 0
        return int(pc.sum(pq.read_table(path, columns=[self._mark])[self._mark]).as_py() or 0)

    def _found(self) -> str:
        """SQL for the rows: as they are, or, of what is deleted or became another kind of item, as they were."""
        parts = [self._image(NEW, self.items.belongs(self.source, NEW), is_deleted=False)]
        if not self.items.is_full and self._mark is not None:
            is_gone = f"not ({self.items.belongs(self.source, NEW)}) and {self.items.belongs(self.source, OLD)}"
            parts.append(self._image(OLD, is_gone, is_deleted=True))
        return " union all ".join(parts)

    def _image(self, image: Image, condition: str, *, is_deleted: bool) -> str:
        columns = [f"{self._value(image, typed)} as {quoted(self._name(typed))}" for typed in self._columns]
        rest = f", cast({image}_json as varchar) as _rest" if extract_of(self.source).rest is not None else ""
        return f"select {', '.join(columns)}{rest}, {is_deleted} as _is_deleted from items where {condition}"

    def _value(self, image: Image, typed: TypedColumn) -> str:
        is_moment = typed.column.type.kind == "timestamp"
        return self.items.value(image, typed.column.text_in_header, is_moment=is_moment)

    def _columns_with_others(self) -> frozenset[str]:
        """The columns of which some value is none of their type."""
        named = {typed.column.name: (quoted(self._name(typed)), typed) for typed in self._columns}
        rules = {
            name: f"{value} is null or coalesce({rule}, false)"
            for name, (value, typed) in named.items()
            if (rule := typed.fits(value)) is not None
        }
        if not rules:
            return frozenset()
        names = {typed.column.name: quoted(self._name(typed)) for typed in self._columns}
        checks = ", ".join(
            f"coalesce(bool_and({names[name]} is null or coalesce({rule}, false)), true)"
            for name, rule in rules.items()
        )
        ((*fit,),) = self.items.engine.execute(f"select {checks} from found").fetchall()
        return frozenset(name for name, fits in zip(rules, fit, strict=True) if not fits)

    def _rest_function(self) -> str:
        names = frozenset(column.text_in_header for column in item_columns(self.source))
        name = f"rest_of_{self.source.name}"
        register(self.items.engine, name, rest_of(names), gives_nulls=True)
        return name

    @cached_property
    def _columns(self) -> list[TypedColumn]:
        return [TypedColumn(column) for column in item_columns(self.source)]

    @staticmethod
    def _name(typed: TypedColumn) -> str:
        return typed.column.text_in_header

    @property
    def _mark(self) -> str | None:
        extract = extract_of(self.source)
        return self.source.column(extract.deleted).text_in_header if extract.deleted is not None else None

    @property
    def _key(self) -> str:
        return ", ".join(quoted(self.source.column(name).text_in_header) for name in self.source.files.key)


def _rows_of(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)
