"""Reads deliveries as the platform promises to, written again from the contracts, sharing nothing with it."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CONTRACTS = Path(__file__).parents[2] / "dbt_project/models/staging/vending/_vending__sources.yml"
FORMATS = {"timestamp": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d"}


class Unreadable(Exception):
    """The file as a whole can't be trusted."""


@dataclass(frozen=True)
class Verdict:
    outcome: str
    rows: int | None
    good: tuple[dict[str, str], ...]
    bad_lines: tuple[int, ...]


@cache
def contracts() -> dict[str, dict[str, Any]]:
    declared = yaml.safe_load(CONTRACTS.read_text(encoding="utf-8"))
    return {table["name"]: table for table in declared["sources"][0]["tables"]}


def source_of(name: str) -> tuple[str, str, str] | None:
    """Source, machine and day from the name, None if no contract declares such a name."""
    daily = re.fullmatch(r"(sales|replenishment_records)_([A-Za-z0-9-]+)_(\d{8})\.csv", name)
    if daily:
        try:
            datetime.strptime(daily[3], "%Y%m%d")
        except ValueError:
            return None
        return daily[1], daily[2], daily[3]
    stem = name.removesuffix(".csv")
    is_master = name.endswith(".csv") and stem in contracts() and stem not in ("sales", "replenishment_records")
    return (stem, "", "") if is_master else None


def strict_rows(content: bytes) -> list[list[str]]:
    if not content:
        raise Unreadable("empty")
    if b"\0" in content:
        raise Unreadable("NUL")
    if content[-1:] not in b"\n\r":
        raise Unreadable("the last row has no end")
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Unreadable("encoding")
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise Unreadable(str(error)) from error


def judge(name: str, content: bytes, contract: dict[str, Any]) -> Verdict:
    """What the rules of the platform make of one file with a declared name."""
    named = source_of(name)
    assert named is not None
    try:
        header, *rows = strict_rows(content)
    except Unreadable:
        return Verdict("quarantined", None, (), ())
    columns = {column["name"]: column for column in contract["columns"]}
    required = {column for column, declared in columns.items() if _meta(declared).get("required")}
    if len(set(header)) != len(header) or not required <= set(header):
        return Verdict("quarantined", len(rows), (), ())
    good: list[dict[str, str]] = []
    bad: list[int] = []
    for line, row in enumerate(rows, start=2):
        values = dict(zip(header, row, strict=False))
        if len(row) == len(header) and _fits(values, columns) and _belongs(values, contract, *named[1:]):
            good.append(values)
        else:
            bad.append(line)
    limit = int(contract["config"]["meta"]["files"]["refuse_above"].rstrip("%")) / 100
    if rows and len(bad) / len(rows) > limit:
        return Verdict("quarantined", len(rows), (), tuple(bad))
    return Verdict("loaded", len(rows), tuple(good), tuple(bad))


def _meta(column: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = column.get("config", {}).get("meta", {})
    return meta


def _fits(values: dict[str, str], columns: dict[str, dict[str, Any]]) -> bool:
    return all(_value_fits(values.get(name, ""), declared) for name, declared in columns.items())


def _value_fits(value: str, declared: dict[str, Any]) -> bool:
    meta, kind = _meta(declared), declared["data_type"]
    if value == "":
        return not meta.get("required")
    if kind in FORMATS:
        try:
            datetime.strptime(value, FORMATS[kind])
        except ValueError:
            return False
    number = {"integer": r"-?[0-9]{1,18}", "decimal": r"-?[0-9]+(\.[0-9]{1,6})?"}.get(kind.partition("(")[0])
    if number and not re.fullmatch(number, value):
        return False
    bounds = meta.get("range", {})
    if bounds and not bounds.get("min", float("-inf")) <= float(value) <= bounds.get("max", float("inf")):
        return False
    if "pattern" in meta and not re.fullmatch(meta["pattern"], value):
        return False
    return "values" not in meta or value in meta["values"]


def _belongs(values: dict[str, str], contract: dict[str, Any], machine: str, day: str) -> bool:
    if not machine:
        return True
    begins = datetime.strptime(day, "%Y%m%d")
    moment = datetime.strptime(values[contract["config"]["meta"]["files"]["day_column"]], FORMATS["timestamp"])
    tolerance = timedelta(hours=2)
    return values["machine_id"] == machine and begins - tolerance <= moment < begins + timedelta(1) + tolerance


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def truth(data_dir: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((data_dir / "truth/truth.json").read_text(encoding="utf-8"))
    return content


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def replay(data_dir: Path) -> dict[str, bytes]:
    """What an empty folder holds after all waves."""
    held: dict[str, bytes] = {}
    for wave in json.loads((data_dir / "truth/waves.json").read_text(encoding="utf-8")):
        for put in wave["put"]:
            replaced = data_dir / "truth/contents" / put["content"]
            source = replaced if replaced.exists() else data_dir / "sources" / put["name"]
            held[put["name"]] = source.read_bytes()
        for name in wave["delete"]:
            del held[name]
    return held
