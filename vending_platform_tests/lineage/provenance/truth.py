"""What a row of a mart really rests on: lines are taken away or changed, the marts are built again, and the row is
looked at. The marts are built in memory by the SQL that dbt compiled, for all days at once."""

import pickle
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from fleet_simulator import generate
from vending_platform.catalog import Catalog, Model
from vending_platform.ledger import OF_BUILDS, prepare_ledger
from vending_platform_tests.dbt_project.dbt import Dbt
from vending_platform_tests.dbt_project.test_windows import Fleet

MACHINES, DAYS, FIRST_DAY = 4, 48, date(2024, 2, 1)
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
NamedLine = tuple[str, str, int]
"""Source, file and line."""
CHANGES = {
    "sales": "quantity = quantity + 1, unit_price = unit_price + 10",
    "replenishment_records": "quantity_before = quantity_before + 1, quantity_added = quantity_added + 2,"
    " cash_collected = cash_collected + 700, sales_meter = sales_meter + 900",
}
"""What is changed of a line that stays what it is about."""


@dataclass(frozen=True)
class Truth:
    folder: Path
    catalog: Catalog

    @property
    def fleet(self) -> Fleet:
        return Fleet(self.folder, self.catalog)

    @cached_property
    def _statements(self) -> list[tuple[str, str]]:
        """Name and SQL of every model, each after those that it reads."""
        found: list[tuple[str, str]] = pickle.loads((self.folder / "statements").read_bytes())
        return found

    @cached_property
    def _memory(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute(f"attach '{self.folder / 'dbt_dev.duckdb'}' as kept (read_only)")
        connection.execute("attach ':memory:' as dbt_dev")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'kept'"
        ).fetchall()
        for schema, table in tables:
            connection.execute(f'create schema if not exists dbt_dev."{schema}"')
            connection.execute(f'create table dbt_dev."{schema}"."{table}" as from kept."{schema}"."{table}"')
        return connection

    @cached_property
    def _file_ids(self) -> dict[str, str]:
        return dict(self._memory.execute("select path, file_id from dbt_dev.raw._files").fetchall())

    def file_id(self, path: str) -> str:
        return self._file_ids[path]

    def lines(self) -> set[NamedLine]:
        """Every line of every delivery that is no master."""
        return {
            (source, file, line)
            for source in CHANGES
            for file, line in self._memory.execute(f"select _file_id, _line from dbt_dev.raw.{source}").fetchall()
        }

    def row(
        self, mart: str, where: str, *, without: Iterable[NamedLine] = (), changed: Iterable[NamedLine] = ()
    ) -> list[Any]:
        """The rows of a mart for which this holds, after these lines are gone and those others say something else."""
        memory = self._memory
        memory.execute("begin")
        try:
            for source, change in CHANGES.items():
                for lines, statement in ((without, "delete from {}"), (changed, f"update {{}} set {change}")):
                    if found := [(file, line) for name, file, line in lines if name == source]:
                        memory.register("in_question", pa.table(list(zip(*found, strict=True)), names=["file", "line"]))
                        memory.execute(
                            statement.format(f"dbt_dev.raw.{source}")
                            + " where (_file_id, _line) in (select file, line from in_question)"
                        )
            self._build(mart)
            schema = self._model(mart).schema_name
            return sorted(memory.execute(f"select * from dbt_dev.{schema}.{mart} where {where}").fetchall(), key=str)
        finally:
            memory.execute("rollback")

    def _build(self, mart: str) -> None:
        needed = {mart, *self._model(mart).rests_on}
        for name, sql in self._statements:
            if name in needed:
                model = self._model(name)
                kind = "view" if model.is_view else "table"
                self._memory.execute(f"drop {kind} if exists dbt_dev.{model.schema_name}.{name}")
                self._memory.execute(f"create {kind} dbt_dev.{model.schema_name}.{name} as {sql}")

    def _model(self, name: str) -> Model:
        return next(model for model in self.catalog.models if model.name == name)

    def rows_of(self, mart: str, columns: Sequence[str], where: str = "true") -> list[dict[str, Any]]:
        """As they were built, in one order."""
        named = ", ".join(columns)
        schema = self._model(mart).schema_name
        found = self._memory.execute(f"select {named} from kept.{schema}.{mart} where {where} order by all")
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def make_truth(folder: Path, catalog: Catalog) -> None:
    """The deliveries of a small fleet on two routes, and all marts."""
    generate(folder, machines=MACHINES, days=DAYS, seed=1, first_day=FIRST_DAY)
    machines = folder / "sources" / "vending_machines.csv"
    lines = machines.read_text(encoding="utf-8").splitlines(keepends=True)
    on_another_route = [line.replace("R001", "R002") if line[:5] in ("VM003", "VM004") else line for line in lines]
    machines.write_text("".join(on_another_route), encoding="utf-8")
    fleet = Fleet(folder, catalog)
    fleet.ingest()
    results = Dbt(folder)("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test").result
    compiled = [(one.node.name, one.node.compiled_code) for one in results if one.node.resource_type == "model"]
    (folder / "statements").write_bytes(pickle.dumps(compiled))
    with fleet.warehouse.writing("test", print) as writer:
        prepare_ledger(writer, OF_BUILDS)
    with duckdb.connect(str(folder / "dbt_dev.duckdb")) as connection:
        connection.executemany(
            "insert into raw._builds (model, raw_version) values (?, 'some')",
            [[model.name] for model in catalog.models],
        )
    shutil.rmtree(folder / "sources")
