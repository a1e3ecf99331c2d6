"""Lineage is true: altering a column of a table changes the columns that lineage names, and no others.

In the gate for every construct of SQL that models are written with, both ways; in the proof for all models of the
project, over the sample.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from vending_platform.lineage.columns import ColumnRef, StatementLineage, project_lineage, statement_lineage
from vending_platform_tests.lineage.altering import Effects, effects
from vending_platform_tests.sample import vending

TABLES = {
    "sales": """select i as id, 'M' || i % 4 as machine, 'P' || i % 5 as product,
        date '2024-03-01' + (i % 9)::int as day,
        100 + i * 7 % 50 as price, 1 + i % 3 as amount,
        ['done', 'failed', 'refunded'][1 + i % 3] as status,
        case when i % 4 > 0 then i end as discount from range(40) as t(i)""",
    "machines": """select 'M' || i as machine, 'R' || i % 2 as route, i * 3 as rent, ['A', 'B'] as tags
        from range(5) as t(i)""",
}
COLUMNS = {
    "sales": ["id", "machine", "product", "day", "price", "amount", "status", "discount"],
    "machines": ["machine", "route", "rent", "tags"],
}
STATEMENTS = {
    "expressions": "select price * amount as yen, upper(status) as s, coalesce(discount, price) as off from main.sales",
    "star": "with s as (select * from main.sales) select * exclude (id), price + 1 as more from s",
    "filter": "select product, price from main.sales where status <> 'failed'",
    "case": "select id, case when status = 'done' then price else 0 end as paid from main.sales",
    "filter of one": "select machine, sum(price) filter (where status = 'done') as paid from main.sales group by 1",
    "group by all": "select day, count(*) as n, max(price) as top from main.sales group by all having min(amount) > 0",
    "join": """select s.id, m.route, s.price from main.sales as s inner join main.machines as m
        on s.machine = m.machine and m.rent > 0""",
    "using": """select route, machine, sum(amount) as n from main.sales left join main.machines using (machine)
        group by 1, 2""",
    "window": """select id, sum(price) over (partition by machine order by day, id) as running,
        lag(amount) over (order by id) as before from main.sales""",
    "qualify": """select machine, product, price from main.sales
        qualify row_number() over (partition by machine order by discount desc, id) = 1""",
    "union": "select machine as name, price as yen from main.sales union all select route, rent from main.machines",
    "distinct union": "select machine as name from main.sales union select machine from main.machines",
    "distinct": "select distinct machine, status from main.sales",
    "except": "select machine from main.machines except select machine from main.sales where price > 120",
    "exists": """select m.machine, m.rent from main.machines as m
        where exists (select 1 from main.sales as s where s.machine = m.machine and s.price > 130)""",
    "in": "select id, amount from main.sales where machine in (select machine from main.machines where rent > 5)",
    "scalar subquery": """select m.machine, (select max(s.price) from main.sales as s
        where s.machine = m.machine and s.status = 'done') as top from main.machines as m""",
    "unnest": "select machine, unnest(tags) as tag from main.machines",
    "unnest in from": "select m.machine, t.tag from main.machines as m cross join unnest(m.tags) as t(tag)",
    "limit": "select id, price from main.sales order by discount nulls last, id limit 5",
    "nested": """with daily as (select day, machine, sum(price) as yen from main.sales group by all),
        ranked as (select *, rank() over (partition by day order by yen desc) as place from daily)
        select ranked.day, ranked.place, machines.route from ranked inner join main.machines using (machine)
        where place <= 2""",
    "recursive": """with recursive days as (select min(day) as day from main.sales
        union all select cast(day + interval 1 day as date) from days where day < (select max(day) from main.sales))
        select day from days""",
    "days": """select d.day::date as day from (select min(day) as a, max(day) as b from main.sales) as span,
        generate_series(span.a, span.b, interval 1 day) as d(day)""",
}


@dataclass(frozen=True)
class Lies:
    """Where lineage and what really happens differ."""

    missing: set[tuple[str, str]]
    """What changes although lineage does not name it."""
    unseen: set[tuple[str, str]]
    """What lineage names as direct, and no alteration has changed."""


def lies(lineage: StatementLineage, found: Effects) -> Lies:
    missing, unseen = set(), set()
    for column, changed in found.changed.items():
        for name in found.columns:
            how = lineage.columns[name.lower()].get(column, frozenset())
            edge = (f"{column.table}.{column.name}", name)
            if name in changed and not how and column not in lineage.rows:
                missing.add(edge)
            if name not in changed and any(one.is_direct for one in how):
                unseen.add(edge)
    return Lies(missing, unseen)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        for name, query in TABLES.items():
            opened.execute(f"create table kept_{name} as {query}")
            opened.execute(f"create table {name} as from kept_{name}")
        yield opened


@pytest.mark.parametrize("construct", STATEMENTS)
def test_exactly_what_lineage_names_changes(connection: duckdb.DuckDBPyConnection, construct: str) -> None:
    statement = STATEMENTS[construct]
    lineage = statement_lineage(statement, {"main": COLUMNS}, "duckdb")
    found = effects(connection, statement, {("main", name): f"kept_{name}" for name in TABLES})
    assert list(lineage.columns) == [name.lower() for name in found.columns]
    assert lies(lineage, found) == Lies(set(), set())
    deciding = {column for column in found.changed if len(found.changed[column]) > 0}
    named = {column for of in lineage.columns.values() for column in of} | lineage.rows.keys()
    assert named == deciding, "and each that it names has some effect"


@pytest.mark.proof
def test_the_lineage_of_every_model_of_the_project_is_true(tmp_path: Path) -> None:
    """On the sample not every effect can be seen (a master that never changed has one version), so what is named and
    not seen is counted; what is seen and not named is a lie."""
    from vending_platform.catalog import read_manifest
    from vending_platform.environment import DBT_PROJECT_DIR, PROJECT_DIR

    subprocess.run(["cp", "-r", str(PROJECT_DIR / "data" / "sources"), str(tmp_path / "sources")], check=True)
    assert vending(tmp_path, "run").returncode in (0, 3)
    manifest = read_manifest(DBT_PROJECT_DIR, tmp_path / "scratch" / "manifest")
    compiled = tmp_path / "scratch" / "dbt" / "compiled"
    named = unseen = 0
    missing = {}
    scratch = tmp_path / "altered"
    scratch.mkdir()
    with duckdb.connect(scratch / "dbt_dev.duckdb") as altered:  # the name that statements call the database by
        tables = copied(altered, tmp_path / "dbt_dev.duckdb")
        found = project_lineage(manifest, compiled, tmp_path / "kept", "duckdb")
        for model, lineage in found.items():
            node = manifest["nodes"][model]
            text = (compiled / node["package_name"] / node["original_file_path"]).read_text().strip().rstrip(";")
            read = {(column.schema, column.table) for of in (*lineage.columns.values(), lineage.rows) for column in of}
            seen = effects(altered, text, {name: tables[name] for name in sorted(read)})
            of_model = lies(lineage, seen)
            if of_model.missing:
                missing[node["name"]] = of_model.missing
            named += sum(len(columns) for columns in lineage.direct.values())
            unseen += len(of_model.unseen)
    assert missing == {}
    assert unseen <= named * 0.05, f"of {named} direct edges {unseen} could not be seen"


def copied(altered: duckdb.DuckDBPyConnection, warehouse: Path) -> dict[tuple[str, str], str]:
    """Some rows of every table and view, each kept beside the one that is altered."""
    altered.execute(f"attach '{warehouse}' as whole (read_only)")
    altered.execute("create schema kept")
    listed = "select table_schema, table_name from information_schema.tables where table_catalog = 'whole'"
    found = {}
    for schema, table in altered.execute(listed).fetchall():
        kept = found[schema, table] = f'kept."{schema}__{table}"'
        rows = f'from (from whole."{schema}"."{table}") using sample reservoir(150 rows) repeatable (3)'
        altered.execute(f'create schema if not exists "{schema}"')
        altered.execute(f"create table {kept} as {rows}")
        altered.execute(f'create table "{schema}"."{table}" as from {kept}')
    altered.execute("detach whole")
    return found


def test_what_is_altered_is_each_column_of_each_table(connection: duckdb.DuckDBPyConnection) -> None:
    found = effects(connection, "select 1 as one from main.sales", {("main", "sales"): "kept_sales"})
    assert found.changed == {ColumnRef("main", "sales", name): set() for name in COLUMNS["sales"]}
