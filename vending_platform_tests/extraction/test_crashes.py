"""An extraction that is killed anywhere leaves nothing half visible and loses nothing."""

from collections.abc import Callable
from random import Random

import pyarrow.parquet as pq
import pytest

from vending_platform.extraction import ExtractionPoint
from vending_platform.extraction.mysql import decoding
from vending_platform_tests.extraction.crashing import killed_at
from vending_platform_tests.extraction.parts import ExtractedDatabase

pytestmark = pytest.mark.usefixtures("mariadb")

TABLES = (
    "create table kinds (id int primary key, word varchar(20))",
    "create table items (id int primary key, word varchar(400), changed timestamp(6) not null"
    " default current_timestamp(6) on update current_timestamp(6))",
)
TIMES = {ExtractionPoint.OPENED: 1}
"""How often an extraction of two tables comes past a point; twice if nothing else is said."""


def assert_whole(extracted: ExtractedDatabase) -> None:
    """Every file that is visible can be read to its end."""
    for path in extracted.raw.rglob("*.parquet"):
        pq.read_table(path)


def assert_ends_as_the_database(extracted: ExtractedDatabase) -> None:
    extracted.extract()
    for table in ("kinds", "items"):
        assert extracted.now(table) == extracted.truth(table)
    before = extracted.files()
    extracted.extract()
    assert extracted.files() == before
    assert not list(extracted.folder.rglob("*.tmp"))


def write(extracted: ExtractedDatabase, random: Random) -> None:
    for _ in range(4):
        key = random.randrange(20)
        match random.randrange(4):
            case 0:
                extracted.run(f"delete from items where id = {key}", f"delete from kinds where id = {key}")
            case 1:
                extracted.run(f"insert ignore into kinds values ({key}, 'k{key}')")
            case _:
                word = f"{random.random():.9f}"
                extracted.run(f"replace into items (id, word) values ({key}, '{word}')")


@pytest.mark.parametrize("point", list(ExtractionPoint))
def test_killed_at_every_point(extracted: ExtractedDatabase, point: ExtractionPoint) -> None:
    extracted.run(*TABLES, "insert into kinds values (1, 'a')")
    extracted.run("insert into items (id, word) values (1, 'a'), (2, 'b')")
    extracted.propose_always_comparing()
    random = Random(7)
    for times in range(1, TIMES.get(point, 2) + 1):
        killed_at(extracted, point, times)
        assert_whole(extracted)
        write(extracted, random)
    extracted.run("update items set word = 'c' where id = 1", "delete from items where id = 2")
    assert_ends_as_the_database(extracted)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(6))
def test_writers_and_kills_at_random(extracted: ExtractedDatabase, seed: int) -> None:
    random = Random(seed)
    extracted.run(*TABLES)
    extracted.propose_always_comparing()
    for turn in range(12):
        write(extracted, random)
        point = random.choice(list(ExtractionPoint))
        if random.random() < 0.5:
            extracted.run("insert ignore into kinds values (100, 'z')", f"update items set word = 't{turn}'")
            killed_at(extracted, point, 1)
            assert_whole(extracted)
        if random.random() < 0.2:
            extracted.run(f"alter table items add column extra{turn} int default {turn}")
            extracted.propose_always_comparing()
        if random.random() < 0.5:
            extracted.extract()
    assert_ends_as_the_database(extracted)


def test_a_connection_that_is_lost_in_the_middle_delivers_nothing(
    extracted: ExtractedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted.run(*TABLES, "insert into items (id, word) select seq, repeat('x', 400) from seq_1_to_30000")
    extracted.propose()
    original: Callable[..., object] = decoding._columns

    def cut(*arguments: object) -> object:
        extracted.server.run(*kill_statements(extracted))
        return original(*arguments)

    monkeypatch.setattr(decoding, "_columns", cut)
    with pytest.raises(Exception, match=r"lost|Lost|did not answer|reached"):
        extracted.extract()
    monkeypatch.undo()
    assert [path for path in extracted.files() if "items" in path] == []
    assert_ends_as_the_database(extracted)


def kill_statements(extracted: ExtractedDatabase) -> list[str]:
    with extracted.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select id from information_schema.processlist where user = 'extractor'")
        return [f"kill {number}" for (number,) in cursor.fetchall()]
