"""`raw._builds` and `raw._codes`: of each model's days, which deliveries and which code the last build rested on."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Grain
from vending_platform.warehouse import Change, Reader, TableName, literal, quoted, values_of

BUILDS = TableName("raw", "_builds")
BUILDS_SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("business_date", pa.date32()),
        ("raw_version", pa.string()),
        ("code", pa.string()),
        ("checks_passed", pa.bool_()),
        ("rows", pa.int64()),
        ("run_id", pa.string()),
        ("built_at", pa.timestamp("us", "UTC")),
    ]
)
CODES = TableName("raw", "_codes")
CODES_SCHEMA = pa.schema([("code", pa.string()), ("parts", pa.string())])
UNFINISHED = ""
"""In the place of a raw version: a build was begun, and whether it went well is not known."""
MIXED = ""
"""In the place of a code: what it was built from was itself still built by older code, in part."""

Build = tuple[str, date | None]
"""A model and its business day; None stands for all of it."""


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What is noted of one build of a model's day."""

    model: str
    business_date: date | None
    raw_version: str
    code: str | None
    checks_passed: bool
    rows: int | None
    """None where they were not counted."""
    run_id: str
    built_at: datetime

    @property
    def build(self) -> Build:
        return self.model, self.business_date


@dataclass(frozen=True, slots=True)
class ModelBuild:
    """What the last build of a model's business day or month rested on; without a day, of all of it. `built_at` is as
    the warehouse writes it, to be compared only."""

    day: date | None
    raw_version: str
    checks_passed: bool
    built_at: str
    row_count: int | None = None
    """None where they were not counted."""
    grain: Grain = Grain.DAY

    @property
    def is_finished(self) -> bool:
        """Whether it ended: what one holds that was begun only is not known."""
        return self.raw_version != UNFINISHED

    @property
    def key(self) -> str | None:
        return self.grain.written(self.day) if self.day is not None else None


@dataclass(frozen=True, slots=True)
class BuiltCode:
    """A code by which days of a model were built, and whether their checks passed."""

    model: str
    code: str | None
    checks_passed: bool


assert [field.name for field in fields(BuildRecord)] == BUILDS_SCHEMA.names


def has_builds(reader: Reader) -> bool:
    """Whether a transformation has ever begun here."""
    return reader.has_table(BUILDS)


def read_builds_table(reader: Reader) -> pa.Table:
    """Every build, as columns `model`, `business_date`, `raw_version`, `checks_passed`, `code` and `rows`: these can be
    hundreds of thousands."""
    columns = ["model", "business_date", "raw_version", "checks_passed", "code", "rows"]
    if not has_builds(reader):
        return pa.schema([BUILDS_SCHEMA.field(name) for name in columns]).empty_table()
    return reader.query(
        f"select model, business_date, raw_version, checks_passed, code, {quoted('rows')} from {BUILDS}"
    )


def builds_of_model(reader: Reader, model: str, grain: Grain = Grain.DAY) -> list[ModelBuild]:
    found = reader.query(
        "select business_date as day, raw_version, checks_passed, cast(built_at as varchar) as built_at,"
        f" {quoted('rows')} as row_count from {BUILDS}"
        f" where model = {literal(model)} order by business_date"
    )
    return list(map(partial(ModelBuild, grain=grain), *map(values_of, found.columns)))


def built_before(reader: Reader, moment: datetime) -> set[Build]:
    found = reader.query(f"select model, business_date, built_at from {BUILDS}").to_pylist()
    return {(row["model"], row["business_date"]) for row in found if row["built_at"] < moment}


def models_built(reader: Reader) -> set[str]:
    if not has_builds(reader):
        return set()
    return set(reader.query(f"select distinct model from {BUILDS}")["model"].to_pylist())


def tested_codes(reader: Reader) -> set[str]:
    """The codes of which the unit tests have passed: without that, no model is built."""
    return set(reader.query(f"select distinct code from {BUILDS} where code <> '{MIXED}'")["code"].to_pylist())


def built_codes(reader: Reader) -> list[BuiltCode]:
    if not has_builds(reader):
        return []
    found = reader.query(f"select distinct model, code, checks_passed from {BUILDS}")
    return list(map(BuiltCode, *map(values_of, found.columns)))


def verdicts(reader: Reader) -> dict[Build, bool]:
    """Per model and day that was built, whether its blocking checks passed. What was begun and did not end is not in
    it."""
    if not has_builds(reader):
        return {}
    found = reader.query(
        f"select model, business_date, checks_passed from {BUILDS} where raw_version <> '{UNFINISHED}'"
    )
    return {(model, day): passed for model, day, passed in zip(*map(values_of, found.columns), strict=True)}


def note_builds(records: Sequence[BuildRecord]) -> list[Change]:
    """These records in the place of those about the same."""
    rows = [[getattr(record, name) for record in records] for name in BUILDS_SCHEMA.names]
    builds = pa.table([pa.array(row, kind) for row, kind in zip(rows, BUILDS_SCHEMA.types, strict=True)], BUILDS_SCHEMA)
    is_whole = pc.is_null(builds["business_date"])
    dated = builds.filter(pc.invert(is_whole)).select(["model", "business_date"])
    return [
        Change(BUILDS, delete=builds.filter(is_whole).select(["model"])),
        Change(BUILDS, delete=dated, insert=builds),
    ]


def remove_builds(models: Iterable[str]) -> Change:
    """All builds of these models."""
    return Change(BUILDS, delete=pa.table({"model": pa.array(list(models), pa.string())}))


def read_codes(reader: Reader) -> dict[str, Mapping[str, str]]:
    """Of each code that something was built by, its parts."""
    if not reader.has_table(CODES):
        return {}
    found = reader.query(f"select code, parts from {CODES}")
    return {code: json.loads(parts) for code, parts in zip(*map(values_of, found.columns), strict=True)}


def known_codes(reader: Reader) -> set[str]:
    return set(reader.query(f"select code from {CODES}")["code"].to_pylist())


def change_codes(new: Mapping[str, Mapping[str, str]], gone: Iterable[str]) -> Change:
    """Codes with their parts come, and those that nothing rests on go."""
    codes = sorted(new)
    parts = [json.dumps(dict(new[code])) for code in codes]
    rows = pa.table([pa.array(codes, pa.string()), pa.array(parts, pa.string())], CODES_SCHEMA)
    return Change(CODES, delete=pa.table({"code": pa.array([*codes, *sorted(gone)], pa.string())}), insert=rows)
