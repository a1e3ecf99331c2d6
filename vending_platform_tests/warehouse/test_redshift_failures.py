"""What goes wrong on Redshift: a process that is killed at any request, answers that are lost, limits of the API."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from vending_platform.warehouse import Change, WarehouseError
from vending_platform.warehouse.redshift import DataApi, Exchange, RedshiftWarehouse
from vending_platform.warehouse.redshift.failures import failure_of
from vending_platform.warehouse.redshift.results import table_of
from vending_platform_tests.emulators.aws import DROPPED, Refusal, Request, times
from vending_platform_tests.emulators.redshift.accounts import RedshiftDatabase
from vending_platform_tests.warehouse.tables import (
    FILES,
    MONDAY,
    ROWS,
    SALES,
    SCHEMA,
    filled,
    ignore,
    nobody,
    rows_of,
)
from vending_platform_tests.warehouse.tables import (
    table_of as rows_as_table,
)


def one_more(number: int) -> list[Change]:
    return [Change(SALES, insert=rows_as_table([(f"new{number}", MONDAY, number)]))]


def of(operation: str) -> Callable[[Request], bool]:
    return lambda request: request.headers.get("X_AMZ_TARGET", "").endswith(f".{operation}")


class Killed(BaseException):
    """As SIGKILL: nothing that the process does from now on has an effect."""


@dataclass
class Life:
    """Ends at the nth request, before or after it has been answered."""

    ends_at: int
    answered: bool
    passed: int = 0
    is_over: bool = False

    def of(self, thing: Any) -> Any:
        return _Mortal(thing, self)

    def request(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.is_over:
            raise Killed
        self.passed += 1
        self.is_over = self.passed == self.ends_at
        if self.is_over and not self.answered:
            raise Killed
        result = call(*args, **options)
        if self.is_over:
            raise Killed
        return result


@dataclass
class _Mortal:
    thing: Any
    life: Life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.thing, name)
        if name in ("get_paginator", "exceptions"):
            return found
        return lambda *args, **options: self.life.request(found, *args, **options)


@dataclass(frozen=True)
class _MortalApi(DataApi):
    life: Life = field(default_factory=lambda: Life(0, answered=False))

    @property
    def _client(self) -> Any:
        return self.life.of(DataApi(self.target, self.settings)._client)


def ends(step: int) -> Iterator[Life]:
    for ends_at in range(1, 60, step):
        for answered in (False, True):
            yield Life(ends_at, answered)


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.proof)])
def test_killed_at_every_request_it_has_published_all_or_nothing(
    redshift_database: RedshiftDatabase, step: int
) -> None:
    """From the lease to the last file that is removed: never twice, never half."""
    keys = rows_as_table([*ROWS, *((f"k{number}", MONDAY, 0) for number in range(20))]).select(["id", "day"])
    rows = rows_as_table(ROWS)
    changes = [Change(SALES, delete=keys, insert=rows), *one_more(1), Change(FILES, insert=rows)]
    with redshift_database.warehouse().writing("test", nobody) as writer:
        writer.ensure_tables({SALES: SCHEMA, FILES: SCHEMA})
    after, published = (sorted([*ROWS, ("new1", MONDAY, 1)]), sorted(ROWS)), 0
    for life in ends(step):
        api = _MortalApi(redshift_database.target, redshift_database.settings, life=life)
        exchange = Exchange(life.of(redshift_database.work), redshift_database.work_url, "default")
        try:
            with RedshiftWarehouse(api, exchange).writing("a load that dies", nobody) as writer:
                writer.publish(changes, ignore)
        except Killed:
            pass
        held = tuple(
            sorted(redshift_database.behind(f"select id, day, yen from raw.{table.name}")) for table in (SALES, FILES)
        )
        assert held in (([], []), after), f"killed at request {life.ends_at}"
        published += held == after
        redshift_database.behind("delete from raw.sales; delete from raw._files")
        redshift_database.behind("update raw._reservation set ends_at = getdate()")
        if life.passed < life.ends_at:
            break
    assert published > 1
    assert life.passed > 15


class TestFailures:
    def test_an_answer_that_is_lost_and_a_request_that_is_throttled_run_once(
        self, redshift_database: RedshiftDatabase
    ) -> None:
        before = filled(redshift_database.warehouse())
        busy = Refusal(400, "ThrottlingException", "Rate exceeded")
        with redshift_database.warehouse().writing("test", nobody) as writer:
            for number, refusal in enumerate((DROPPED, busy)):
                with redshift_database.aws.failing(times(1, refusal, of("BatchExecuteStatement"))):
                    writer.publish(one_more(number), ignore)
            assert rows_of(writer) == sorted([*before, ("new0", MONDAY, 0), ("new1", MONDAY, 1)])

    @pytest.mark.parametrize(
        ("refusal", "sentence"),
        [
            (Refusal(400, "ExpiredTokenException", "expired"), r"credentials can't be used .*: renew them"),
            (Refusal(400, "AccessDeniedException", "no"), r"does not let this role .* needs redshift-data:Execute"),
            (Refusal(400, "ActiveStatementsExceededException", "500"), r"too many statements at once .*: run again"),
            (Refusal(400, "ResourceNotFoundException", "gone"), r"keeps results for 24 hours; run again"),
            (Refusal(400, "ValidationException", "endpoint"), r"can't run a statement in the database .*: .* endpoint"),
        ],
    )
    def test_what_can_not_go_on_ends_in_one_sentence(
        self, redshift_database: RedshiftDatabase, refusal: Refusal, sentence: str
    ) -> None:
        with (
            redshift_database.aws.failing(lambda request: refusal if of("ExecuteStatement")(request) else None),
            redshift_database.warehouse().reading() as reader,
            pytest.raises(WarehouseError, match=sentence),
        ):
            reader.query("select * from raw.sales")

    @pytest.mark.parametrize(
        ("status", "error", "sentence"),
        [
            ("ABORTED", "ERROR: Query cancelled", r"was stopped .* 24 hours"),
            ("FAILED", "ERROR: 1023 Serializable isolation violation on table - 1", r"nothing was changed"),
            ("FAILED", "Query result size exceeds the maximum", r"at most 100 MB; ask for fewer"),
            ("FAILED", "syntax error", r"syntax error \(in: select 1\)"),
        ],
    )
    def test_a_statement_that_fails_says_why(self, status: str, error: str, sentence: str) -> None:
        described = {"Id": "1", "Status": status, "Error": error}
        with pytest.raises(WarehouseError, match=sentence):
            raise failure_of(described, "select 1")

    def test_a_conflict_is_tried_again_and_then_told(self, redshift_database: RedshiftDatabase) -> None:
        paused: list[float] = []
        conflict = "do $$ begin raise exception 'x' using errcode = '40001'; end $$"
        api = DataApi(redshift_database.target, redshift_database.settings, sleep=paused.append)
        emulator = redshift_database.emulator
        emulator.reviewed |= {"do ?", "do $$ begin raise exception ? using errcode = ?; end $$"}
        with pytest.raises(WarehouseError, match="conflict with concurrent transaction; nothing was changed"):
            api.run_together([conflict])
        assert len(paused) == 4

    def test_results_come_in_pages(self, redshift_database: RedshiftDatabase) -> None:
        redshift_database.emulator.data_api.rows_on_a_page = 2
        try:
            assert len(filled(redshift_database.warehouse())) == 3
        finally:
            redshift_database.emulator.data_api.rows_on_a_page = 1000

    def test_no_page_is_a_table_without_columns(self) -> None:
        assert table_of(iter([])).num_rows == 0
