"""The emulated Redshift does what we rely on, and refuses the rest at once."""

import re

import pytest

from vending_platform.warehouse import WarehouseError
from vending_platform_tests.emulators.redshift.accounts import RedshiftDatabase
from vending_platform_tests.emulators.redshift.dialect import Refused, refusal, translated, with_values
from vending_platform_tests.emulators.redshift.shapes import REVIEWED, shape
from vending_platform_tests.emulators.redshift.views import view_statement


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("insert into t values (1) on conflict do nothing", "on conflict"),
        ("insert into t values (1) returning id", "returning"),
        ("select cast(x as jsonb) from t", "jsonb"),
        ("select x[1] from t", "arrays"),
        ("select * from t, lateral (select 1) as u", "lateral"),
        ("select count(*) filter (where x) from t", "filter"),
        ("select cast(x as double) from t", "double precision"),
        ("select string_agg(x, ',') from t", r"string_agg\(\)"),
        ("select generate_series(1, 2)", r"generate_series\(\)"),
    ],
)
def test_what_redshift_has_not_is_refused(sql: str, why: str) -> None:
    found = refusal(sql)
    assert found is not None
    assert re.search(why, found)


@pytest.mark.parametrize(
    "sql",
    [
        "select filter, conflict, double from t as u (filter, conflict, double)",
        "select cast(x as double precision), 'a[1] returning' from t -- lateral",
        "with recent (a) as (select max(x) from t) select * from recent where a in (1, 2)",
        "insert into t (a, b) values (1, 2)",
    ],
)
def test_what_it_has_is_let_through(sql: str) -> None:
    assert refusal(sql) is None


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ('select "ID" from "RAW"."SALES"', 'select "id" from "raw"."sales"'),
        ("create table t (a varchar(max)) sortkey(a)", "create table t (a varchar(65535))  "),
        ("create table t (a varchar, b int)", "create table t (a varchar(256), b int)"),
        ("select datediff(day, a, b)", "select datediff('day', a, b)"),
        ("select extract(year from a)", "select redshift.extracted('year', a)"),
        ("select listagg(a, ',') within group (order by b) from t", "select string_agg(a, ',' order by b) from t"),
        ("select * from (select 1 as a) where a = 1", "select * from (select 1 as a) as unnamed_14 where a = 1"),
    ],
)
def test_what_is_written_otherwise(sql: str, written: str) -> None:
    assert translated(sql) == written


def test_parameters_are_texts_that_can_not_end_and_each_is_given() -> None:
    assert with_values("select :a, ':a', x::int", {"a": "it's \\"}) == "select 'it''s \\\\', ':a', x::int"
    with pytest.raises(Refused, match="missing a value for the parameter b"):
        with_values("select :b", {})


def test_a_view_without_schema_binding_is_kept_in_a_list() -> None:
    made = view_statement('create view "DB"."s"."V" as (select 1 as a) with no schema binding ;')
    assert made is not None
    assert "insert into redshift.late_binding_views values ('s.v'" in made
    assert view_statement("create view v as (select 1)") is None


def test_bytes_are_counted_duplicates_let_in_and_truncate_commits(redshift_database: RedshiftDatabase) -> None:
    behind = redshift_database.behind
    behind("create schema s; create table s.t (a varchar(3) primary key)")
    behind("insert into s.t values ('a'), ('a')")
    emulator = redshift_database.emulator
    emulator.reviewed |= {shape(it) for it in ("insert into s.t values ('日本')", "truncate s.t", "select 1 / 0")}
    with pytest.raises(WarehouseError, match="Value too long for character type"):
        redshift_database.api.run("insert into s.t values ('日本')")
    with pytest.raises(WarehouseError, match=r"[Dd]ivide by zero"):
        redshift_database.api.run_together(["truncate s.t", "select 1 / 0"])
    assert behind("select * from s.t") == [], "what came before the failure is committed"


def test_a_view_outlives_the_table_that_it_reads(redshift_database: RedshiftDatabase) -> None:
    behind = redshift_database.behind
    behind("create schema s; create table s.t (a int)")
    made = view_statement("create view s.v as select a from s.t with no schema binding")
    assert made is not None
    behind(made)
    behind("drop table s.t cascade")
    behind("create table s.t as select 7 as a, 8 as b")
    assert behind("select * from s.v") == [(7,)]


@pytest.mark.parametrize("sql", ["select secret from somewhere", "drop database production", "no SQL at all"])
def test_an_unreviewed_statement_is_refused_at_once(redshift_database: RedshiftDatabase, sql: str) -> None:
    with pytest.raises(WarehouseError, match="no one has reviewed"):
        redshift_database.api.query(sql)


def test_reviewed_statements_are_in_lower_case() -> None:
    assert all(statement == statement.lower().strip() for statement in REVIEWED)
