"""The ledger of builds: of each model's days, which deliveries and which code the last build rested on."""

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from vending_platform.catalog import Model
from vending_platform.transformation.staleness import OTHER_CODE, UNFINISHED, Built
from vending_platform.warehouse import Change, Reader, TableName, quoted, values_of

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
MIXED = ""
"""In the place of a code: what it was built from was itself still built by older code, in part."""

Build = tuple[str, date | None]
"""A model and its business day; None stands for all of it."""


@dataclass(frozen=True)
class Builds:
    versions: Built
    codes: Mapping[Build, str | None]
    rows: Mapping[Build, int | None]

    def outdated(self, models: Iterable[Model]) -> set[Build]:
        """What was built well, but by other code than there is now."""
        code = {model.name: model.code for model in models}
        return {
            build
            for build, version in self.versions.items()
            if version != UNFINISHED and build[0] in code and self.codes[build] != code[build[0]]
        }

    def against(self, models: Iterable[Model], counting: Set[str]) -> dict[Build, str]:
        """What was built, to be held against what there is now: the code of the models in `counting` counts, and of all
        others their deliveries alone."""
        models = list(models)
        without_deliveries = {model.name: model.code for model in models if model.is_view or model.is_seed}
        outdated = {
            build: OTHER_CODE if build[0] in counting else without_deliveries.get(build[0], self.versions[build])
            for build in self.outdated(models)
        }
        return {**self.versions, **outdated}


def read_builds(reader: Reader) -> Builds:
    if not reader.has_table(BUILDS):
        return Builds({}, {}, {})
    found = reader.query(
        f"select model, business_date, raw_version, checks_passed, code, {quoted('rows')} from {BUILDS}"
    )
    versions: dict[Build, str] = {}
    codes: dict[Build, str | None] = {}
    rows: dict[Build, int | None] = {}
    for model, day, version, passed, code, count in zip(*map(values_of, found.columns), strict=True):
        build = (model, day)
        versions[build], codes[build], rows[build] = version if passed else UNFINISHED, code, count
    return Builds(versions, codes, rows)


def noted_codes(reader: Reader) -> dict[str, Mapping[str, str]]:
    """Of each code that something was built by, its parts."""
    if not reader.has_table(CODES):
        return {}
    found = reader.query(f"select code, parts from {CODES}")
    return {code: json.loads(parts) for code, parts in zip(*map(values_of, found.columns), strict=True)}


def note_codes(reader: Reader, models: Iterable[Model], builds: Builds) -> list[Change]:
    """To be noted before anything is built by the code of these models; code that nothing rests on is forgotten."""
    known = set(reader.query(f"select code from {CODES}")["code"].to_pylist())
    now = {model.code: json.dumps(dict(model.parts)) for model in models}
    new, gone = sorted(now.keys() - known), sorted(known - now.keys() - set(builds.codes.values()))
    if not new and not gone:
        return []
    rows = pa.table([pa.array(new, pa.string()), pa.array([now[code] for code in new], pa.string())], CODES_SCHEMA)
    return [Change(CODES, delete=pa.table({"code": pa.array([*new, *gone], pa.string())}), insert=rows)]
