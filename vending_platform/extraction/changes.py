"""What earlier deliveries do not say yet: rows that are new or changed, and rows that are no longer there.

DuckDB does it, out of core, over the files. Of the rows with one key in several deliveries the one in the last delivery
is what is known of it.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from vending_platform.catalog import ExtractItems, ExtractTable, Source
from vending_platform.extraction.engine import copy_into, opened_engine, quoted, text

_PLACE = "_extraction_place"


def remove_known(source: Source, new: Path, known: Sequence[Path], scratch: Path) -> int:
    """Leaves in the file `new` only the rows that are not what is known of their keys; how many these are."""
    names = pq.read_schema(new).names
    columns = ", ".join(map(quoted, names))
    kept = new.with_suffix(".kept")
    with opened_engine(scratch) as engine:
        engine.execute(f"create view latest as {_latest(source, known)}")
        has = {name for name, *_ in engine.execute("describe latest").fetchall()}
        before = ", ".join(quoted(name) if name in has else f"null as {quoted(name)}" for name in names)
        copy_into(
            engine,
            f"select {columns} from read_parquet({text(str(new))}) except select {before} from latest"
            f" order by {_key(source)}",
            kept,
            pq.read_schema(new),
        )
    kept.replace(new)
    return int(pq.read_metadata(new).num_rows)


def differences(source: Source, keys: Path, known: Sequence[Path], scratch: Path) -> tuple[int, int]:
    """How many keys of the system are not known with their watermark, and how many known ones are not there."""
    there, alive = f"read_parquet({text(str(keys))})", f"(select * from latest where not {_deleted(source)})"
    both, only_key = ", ".join([*_key_columns(source), _watermark(source)]), _key(source)
    with opened_engine(scratch) as engine:
        engine.execute(f"create view latest as {_latest(source, known)}")
        unknown = _count(engine, f"select {both} from {there} except select {both} from {alive}")
        gone = _count(engine, f"select {only_key} from {alive} except select {only_key} from {there}")
    return unknown, gone


def add_deleted(
    source: Source, new: Path, keys: Path, known: Sequence[Path], scratch: Path, *, keys_are_gone: bool = False
) -> None:
    """Adds to the file `new` each row that is known and no longer there, as it was delivered last, so marked. `keys`
    are those that are there, or those that are gone."""
    schema = pq.read_schema(new)
    extended = new.with_suffix(".extended")
    with opened_engine(scratch) as engine:
        engine.execute(f"create view latest as {_latest(source, known)}")
        has = {name for name, *_ in engine.execute("describe latest").fetchall()}
        mark = _deleted(source)
        columns = ", ".join(
            f"true as {mark}" if quoted(name) == mark else quoted(name) if name in has else f"null as {quoted(name)}"
            for name in schema.names
        )
        same = " and ".join(f"latest.{name} is not distinct from listed.{name}" for name in _key_columns(source))
        copy_into(
            engine,
            f"select * from read_parquet({text(str(new))}) union all by name"
            f" select {columns} from latest where not {mark} and {'' if keys_are_gone else 'not'} exists"
            f" (select 1 from read_parquet({text(str(keys))}) as listed where {same})"
            f" order by {_key(source)}",
            extended,
            schema,
        )
    extended.replace(new)


def _latest(source: Source, known: Sequence[Path]) -> str:
    """SQL for what is known of each key: its row in the last of these deliveries."""
    paths = ", ".join(text(str(path)) for path in known)
    order = "case filename " + " ".join(f"when {text(str(path))} then {n}" for n, path in enumerate(known)) + " end"
    return (
        f"select * exclude ({_PLACE}, filename) from (select *, {order} as {_PLACE}"
        f" from read_parquet([{paths}], union_by_name = true, filename = true))"
        f" qualify row_number() over (partition by {', '.join(_key_columns(source))} order by {_PLACE} desc) = 1"
    )


def _count(engine: duckdb.DuckDBPyConnection, query: str) -> int:
    ((found,),) = engine.execute(f"select count(*) from ({query})").fetchall()
    return int(found)


def _key_columns(source: Source) -> list[str]:
    return [quoted(source.column(name).text_in_header) for name in source.files.key]


def _key(source: Source) -> str:
    return ", ".join(_key_columns(source))


def _watermark(source: Source) -> str:
    assert isinstance(source.extract, ExtractTable)
    assert source.extract.watermark is not None
    return quoted(source.column(source.extract.watermark).text_in_header)


def _deleted(source: Source) -> str:
    assert isinstance(source.extract, (ExtractTable, ExtractItems))
    assert source.extract.deleted is not None
    return quoted(source.column(source.extract.deleted).text_in_header)
