"""Questions to Athena: the words of a laptop, and the same answer to the last digit."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from vending_platform.catalog import LakeLayout
from vending_platform.cli.app import app
from vending_platform.lake import Lake, LakeError, LakeUnavailable, open_lake
from vending_platform.lake.changes import append
from vending_platform.lake.history import history
from vending_platform.lake.sql import AsOf, query_lake
from vending_platform.lake.sql.athena import query_athena
from vending_platform.lake.tables import ensure_table
from vending_platform.warehouse import TableName
from vending_platform_tests.emulators.athena import OPERATIONS, AthenaEmulator, athena_emulator
from vending_platform_tests.emulators.aws import EmulatedAws, Refusal
from vending_platform_tests.lake.lakes import STOCK, rows, stock_table

WORKGROUP = "staging-vending-lake"
EVERY_TYPE = TableName("gold", "every_type")


@pytest.fixture
def lake(aws: EmulatedAws) -> Lake:
    aws.reset()
    opened = open_lake(aws.environment())
    stock_table(opened)
    append(opened, STOCK, rows((1, "お茶", 5), (2, None, None)))
    return opened


@pytest.fixture
def athena(aws: EmulatedAws, lake: Lake) -> Iterator[AthenaEmulator]:
    with athena_emulator(aws, WORKGROUP) as emulator:
        yield emulator


def asked(lake: Lake, sql: str, as_of: AsOf = None) -> pa.Table:
    with query_athena(lake, sql, as_of) as found:
        return found.rows.read_all()


def asked_here(lake: Lake, sql: str, as_of: AsOf = None) -> pa.Table:
    with query_lake(lake, sql, as_of) as found:
        return found.rows.read_all()


@pytest.mark.usefixtures("athena")
@pytest.mark.parametrize(
    "sql",
    [
        "select * from stock order by id",
        "select * from staging.stock where name is null",
        "with stock_of as (select id, units from stock) select s.id, o.units from stock s join stock_of o using (id)",
        "select count(*) as n, sum(units) as units from stock",
        "select id, name from stock where id > 1 union all select 0, '' order by id",
        "select name, row_number() over (partition by name order by id) as n from stock qualify n = 1 order by 1",
    ],
)
def test_the_answer_is_that_of_a_laptop(lake: Lake, sql: str) -> None:
    assert asked(lake, sql).to_pylist() == asked_here(lake, sql).to_pylist()


@pytest.mark.usefixtures("athena")
def test_every_type_arrives_as_it_is(lake: Lake) -> None:
    schema = pa.schema(
        {
            "number": pa.decimal128(38, 6),
            "whole": pa.int64(),
            "small": pa.int32(),
            "part": pa.float64(),
            "is_so": pa.bool_(),
            "day": pa.date32(),
            "clock": pa.timestamp("us"),
            "moment": pa.timestamp("us", "UTC"),
            "text": pa.string(),
        }
    )
    at = datetime(2024, 2, 29, 23, 59, 59, 123000)
    values = [
        {
            "number": Decimal("-99999999999999999999999999999999.999999"),
            "whole": -(2**63),
            "small": 2**31 - 1,
            "part": 0.1,
            "is_so": False,
            "day": date(1, 1, 1),
            "clock": at,
            "moment": at.replace(tzinfo=UTC),
            "text": '"", a\nb',
        },
        dict.fromkeys(schema.names) | {"text": ""},
        dict.fromkeys(schema.names),
    ]
    rows_of_every_type = pa.Table.from_pylist(values, schema)
    ensure_table(lake, EVERY_TYPE, schema, LakeLayout())
    append(lake, EVERY_TYPE, rows_of_every_type)
    assert asked(lake, "select * from gold.every_type order by whole, text").equals(rows_of_every_type)


@pytest.mark.usefixtures("athena")
def test_more_rows_than_a_page_has_arrive_once_each(lake: Lake) -> None:
    append(lake, STOCK, rows(*((number, str(number), 1) for number in range(3, 2503))))
    found = asked(lake, "select id from stock")
    assert sorted(found["id"].to_pylist()) == list(range(1, 2503))


def test_an_earlier_state_is_read_by_snapshot_and_by_time(lake: Lake, athena: AthenaEmulator) -> None:
    (first,) = history(lake, STOCK)
    append(lake, STOCK, rows((3, "milk", 7)))
    assert asked(lake, "select count(*) as n from stock").to_pylist() == [{"n": 3}]
    for as_of in (first.state.snapshot_id, first.state.at):
        assert asked(lake, "select count(*) as n from stock", as_of).to_pylist() == [{"n": 2}]
    assert f"FOR VERSION AS OF {first.state.snapshot_id}" in athena.queries[1]
    assert "FOR TIMESTAMP AS OF CAST(" in athena.queries[2]


def test_tables_are_named_as_the_catalog_names_them(lake: Lake, athena: AthenaEmulator) -> None:
    asked(lake, "select s.id from stock as s")
    assert athena.queries == ['SELECT s.id FROM "staging_vending_staging"."stock" AS s']


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("drop table staging.stock", "only one SELECT can be run"),
        ("select 1; select 2", "only one SELECT can be run"),
        ("selct 1", "can't be understood"),
        ("select * from nothing", "not one table of the lake"),
        ("select name, count(*) from stock group by all", "GROUP BY ALL"),
        ("select * from gold.gone", "TABLE_NOT_FOUND"),
    ],
)
def test_what_can_not_be_asked_is_said(lake: Lake, athena: AthenaEmulator, sql: str, said: str) -> None:
    with pytest.raises(LakeError, match=said):
        asked(lake, sql)
    assert len(athena.queries) == (said == "TABLE_NOT_FOUND"), "what is refused here costs nothing"


@pytest.mark.usefixtures("athena")
def test_a_workgroup_that_is_not_there_is_named(lake: Lake) -> None:
    elsewhere = dataclasses.replace(lake, settings=dataclasses.replace(lake.settings, athena="gone"))
    with pytest.raises(LakeError, match="WorkGroup gone is not found"):
        asked(elsewhere, "select 1")


@pytest.mark.usefixtures("athena")
def test_credentials_that_can_not_be_used_are_said(aws: EmulatedAws, lake: Lake) -> None:
    expired = Refusal(400, "ExpiredTokenException")
    with (
        aws.failing(lambda sent: expired if sent.headers.get("X_AMZ_TARGET", "").startswith(OPERATIONS) else None),
        pytest.raises((LakeError, LakeUnavailable), match="ExpiredToken"),
    ):
        asked(lake, "select 1")


@pytest.mark.usefixtures("athena", "lake")
def test_a_person_sees_the_rows_and_what_they_cost(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.variables().items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["lake", "sql", "select * from stock order by id", "--format", "csv"])
    assert done.stdout == '"id","name","units"\n1,"お茶",5\n2,,\n'
    assert "Athena scanned" in done.stderr
    assert "about $0.00005 at $5 a terabyte" in done.stderr
    here = CliRunner().invoke(app, ["lake", "sql", "select 1 as one from stock", "--engine", "duckdb"])
    assert "staging.stock: 1 of 1 files" in here.stderr


def test_a_laptop_has_no_athena(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(app, ["lake", "sql", "select 1", "--engine", "athena"])
    assert done.exit_code == 2
    assert "declares no workgroup" in done.stderr
