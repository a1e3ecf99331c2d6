"""Whole tables and increments: what the deliveries say in the end is what the database holds."""

from datetime import date, timedelta

import pymysql
import pytest

from vending_platform.extraction import ChosenDays, ExtractionPoint
from vending_platform_tests.extraction.parts import ExtractedDatabase

pytestmark = pytest.mark.usefixtures("mariadb")

ITEMS = (
    "create table items (id int primary key, word varchar(20), changed timestamp(6) not null"
    " default current_timestamp(6) on update current_timestamp(6))"
)
KINDS = "create table kinds (id int primary key, word varchar(20))"


@pytest.fixture
def items(extracted: ExtractedDatabase) -> ExtractedDatabase:
    extracted.run(ITEMS, "insert into items (id, word) values (1, 'one'), (2, 'two'), (3, null)")
    extracted.propose()
    return extracted


def test_the_first_extraction_is_the_whole_table_and_the_next_what_changed(items: ExtractedDatabase) -> None:
    (first,) = items.extract().sources
    assert (first.rows, first.path is not None) == (3, True)
    items.run("update items set word = 'zwei' where id = 2", "insert into items (id, word) values (4, '')")
    (second,) = items.extract().sources
    assert second.rows == 2
    assert items.now("items") == items.truth("items")


def test_the_same_extraction_again_changes_nothing(items: ExtractedDatabase) -> None:
    items.extract()
    before = items.files()
    (again,) = items.extract().sources
    assert (again.path, again.rows) == (None, 0)
    assert items.files() == before


def test_a_whole_table_that_is_the_same_is_not_written_again(extracted: ExtractedDatabase) -> None:
    extracted.run(KINDS, "insert into kinds values (2, 'b'), (1, 'a')")
    extracted.propose()
    (first,) = extracted.extract().sources
    before = {path.name: path.stat().st_mtime_ns for path in extracted.raw.rglob("*.parquet")}
    (again,) = extracted.extract().sources
    assert (first.rows, again.path) == (2, None)
    assert {path.name: path.stat().st_mtime_ns for path in extracted.raw.rglob("*.parquet")} == before
    extracted.run("update kinds set word = 'c' where id = 1")
    assert extracted.extract().sources[0].path == first.path
    assert extracted.now("kinds") == extracted.truth("kinds")


def test_a_row_that_commits_late_is_not_lost(items: ExtractedDatabase) -> None:
    items.extract()
    late = items.server.connect(items.database)
    late.begin()
    late.cursor().execute("insert into items (id, word) values (10, 'late')")
    items.run("insert into items (id, word) values (11, 'early')")
    items.extract()
    assert ("10", "late") not in {row[:2] for row in items.now("items")}
    late.commit()
    late.close()
    items.extract()
    assert items.now("items") == items.truth("items")


def test_a_row_that_commits_later_than_the_overlap_is_found_when_keys_are_compared(items: ExtractedDatabase) -> None:
    items.propose(compare_keys=timedelta(days=7))
    items.extract()
    items.run("insert into items (id, word, changed) values (20, 'very late', '2020-01-01 00:00:00')")
    items.extract()
    assert items.now("items") != items.truth("items")
    items.propose(compare_keys=timedelta(0))
    items.extract()
    assert items.now("items") == items.truth("items")


def test_deleted_rows_are_found_when_keys_are_compared_and_keep_what_they_were(items: ExtractedDatabase) -> None:
    items.extract()
    items.run("delete from items where id in (1, 3)")
    (none,) = items.extract().sources
    assert none.deleted == 0, "seven days have not passed"
    items.propose(compare_keys=timedelta(0))
    (found,) = items.extract().sources
    assert (found.rows, found.deleted) == (2, 2)
    assert items.now("items") == items.truth("items")
    (again,) = items.extract().sources
    assert (again.rows, again.deleted) == (0, 0)


def test_a_deleted_row_that_comes_back_is_there_again(items: ExtractedDatabase) -> None:
    items.propose(compare_keys=timedelta(0))
    items.extract()
    items.run("delete from items where id = 1")
    items.extract()
    items.run("insert into items (id, word) values (1, 'one')")
    items.extract()
    assert items.now("items") == items.truth("items")


def test_a_watermark_in_the_future_hides_no_change(items: ExtractedDatabase) -> None:
    items.run("insert into items (id, word, changed) values (5, 'far', '2037-01-01 00:00:00')")
    items.extract()
    items.run("insert into items (id, word) values (6, 'now')")
    items.extract()
    assert items.now("items") == items.truth("items")


def test_all_tables_are_of_one_moment_although_others_write(extracted: ExtractedDatabase) -> None:
    extracted.run(KINDS, ITEMS, "insert into kinds values (1, 'a')", "insert into items (id, word) values (1, 'a')")
    extracted.propose()

    def write_meanwhile(point: ExtractionPoint) -> None:
        if point is ExtractionPoint.OPENED:
            extracted.run("insert into kinds values (2, 'b')", "insert into items (id, word) values (2, 'b')")

    extracted.on_point = write_meanwhile
    extracted.extract()
    assert [row[0] for row in extracted.now("kinds")] == ["1"]
    assert [row[0] for row in extracted.now("items")] == ["1"]


def test_days_are_delivered_once_more(items: ExtractedDatabase) -> None:
    items.extract()
    items.run("insert into items (id, word, changed) values (7, 'old', '2024-03-05 12:00:00')")
    days = ChosenDays(date(2024, 3, 5), date(2024, 3, 5))
    (found,) = items.extract(days).sources
    assert found.rows == 1
    assert items.extract(days).sources[0].rows == 0
    assert items.now("items") == items.truth("items")


@pytest.mark.parametrize(
    "change",
    [
        "alter table items add column size int not null default 7",
        "alter table items drop column word",
        "alter table items rename column word to text_of_it",
        "alter table items modify column word varchar(80) not null default ''",
    ],
)
def test_after_a_change_of_columns_the_whole_table_is_delivered_again(items: ExtractedDatabase, change: str) -> None:
    items.extract()
    items.run("update items set word = 'x'", change)
    items.extract()
    assert items.now("items") == items.truth("items")


def test_a_table_without_what_is_needed_is_named_and_stops_no_other(extracted: ExtractedDatabase) -> None:
    extracted.run(KINDS, ITEMS, "insert into kinds values (1, 'a')", "insert into items (id) values (1)")
    extracted.propose()
    extracted.run("alter table items rename column changed to modified")
    problem, fine = extracted.extract().sources
    assert problem.problem is not None
    assert "has no column 'changed', which the contract needs to find changes" in problem.problem
    assert fine.rows == 1
    extracted.run("drop table kinds")
    assert "has no table kinds" in str(extracted.extract().problems[1])


def test_a_reader_can_not_write(extracted: ExtractedDatabase) -> None:
    extracted.run(KINDS)
    connection = pymysql.connect(
        host="127.0.0.1", port=extracted.server.port, user="extractor", password="it's a secret"
    )
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        connection.cursor().execute(f"delete from {extracted.database}.kinds")
    connection.close()
