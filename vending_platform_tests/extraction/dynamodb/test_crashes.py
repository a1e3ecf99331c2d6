"""Extractions that are killed, exports that fail, are slow, or overlap: the deliveries end as the table does."""

from enum import StrEnum
from random import Random

import pytest

from vending_platform.extraction import ExtractionPoint, SystemUnavailable
from vending_platform.extraction.dynamodb import ExportPoint
from vending_platform_tests.extraction.dynamodb.crashing import killed_at
from vending_platform_tests.extraction.dynamodb.parts import ExtractedItems

POINTS: list[StrEnum] = [*ExportPoint, *ExtractionPoint]


def write(app: ExtractedItems, random: Random) -> None:
    """A few items are written, changed, deleted, or become another kind."""
    for _ in range(random.randrange(2, 8)):
        pk, sk = f"C#{random.randrange(4)}", f"{random.choice(('REFUND', 'VISIT'))}#{random.randrange(4)}"
        if random.random() < 0.3:
            app.delete(pk, sk)
        else:
            app.put(pk, sk, kind=random.choice(("refund", "other")), note=f"{random.random():.9f}")
        app.emulator.pass_time(minutes=random.randrange(1, 40))


def assert_ends_as_the_table(app: ExtractedItems) -> None:
    app.emulator.pass_time(minutes=20)
    assert [one.problem for one in app.extract()] == [None, None]
    items = app.emulator.items(app.name)
    refunds = {(i["pk"]["S"], i["sk"]["S"]): i["note"]["S"] for i in items if i["kind"]["S"] == "refund"}
    visits = sorted((i["pk"]["S"], i["sk"]["S"]) for i in items if i["sk"]["S"].startswith("VISIT#"))
    assert {(row["pk"], row["sk"]): row["note"] for row in app.now("refunds")} == refunds
    assert app.keys("visits") == visits


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_point(app: ExtractedItems, point: StrEnum) -> None:
    random = Random(7)
    for _ in range(2):  # while all of it is exported, and while what changed is
        write(app, random)
        assert killed_at(app, point)
        write(app, random)
    requested = len(app.emulator.requested)
    assert_ends_as_the_table(app)
    assert len(app.emulator.requested) - requested <= 2


def test_killed_right_after_the_request_no_second_export_is_made(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund", note="")
    app.emulator.pass_time(hours=1)
    assert killed_at(app, ExportPoint.REQUESTED)
    app.extract()
    assert len(app.emulator.requested) == 1
    assert_ends_as_the_table(app)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(12))
def test_writers_kills_failures_and_overlaps_at_random(app: ExtractedItems, seed: int) -> None:
    random = Random(seed)
    for _ in range(15):
        write(app, random)
        match random.randrange(5):
            case 0:
                killed_at(app, random.choice(POINTS), random.randrange(1, 3))
            case 1:
                app.emulator.failure = "S3AccessDenied"
                with pytest.raises(SystemUnavailable, match="S3AccessDenied"):
                    app.extract()
                app.emulator.failure = None
            case 2:
                app.extract(random.choice(("refunds", "visits")))
            case 3:
                app.emulator.pass_time(hours=random.randrange(1, 100))
                app.extract()
            case _:
                app.extract()
    assert_ends_as_the_table(app)


def test_an_export_that_is_slower_than_a_run_is_used_by_the_next_one(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund", note="")
    app.emulator.pass_time(hours=1)
    app.emulator.polls = 40
    with pytest.raises(SystemUnavailable, match="is not there after 5 minutes; the next extraction goes on with it"):
        app.extract()
    assert sum(app.waited) == 5 * 60
    app.extract()
    assert [request["ExportType"] for request in app.emulator.requested] == ["FULL_EXPORT"]
    assert app.keys("refunds") == [("C#1", "REFUND#1")]


def test_a_failed_export_says_why_and_the_next_run_asks_for_another(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund", note="")
    app.emulator.pass_time(hours=1)
    app.emulator.failure = "S3AccessDenied"
    with pytest.raises(SystemUnavailable, match=r"the export arn:.* failed: S3AccessDenied: it failed$"):
        app.extract()
    app.emulator.failure = None
    app.emulator.pass_time(hours=1)
    assert_ends_as_the_table(app)


def test_a_failure_warns_before_changes_are_out_of_reach(app: ExtractedItems) -> None:
    app.emulator.pass_time(hours=1)
    app.extract()
    app.emulator.failure = "S3NoSuchBucket"
    app.emulator.pass_time(hours=27 * 24)
    with pytest.raises(SystemUnavailable) as early:
        app.extract()
    app.emulator.pass_time(hours=2 * 24)
    with pytest.raises(SystemUnavailable) as late:
        app.extract()
    assert "can be exported until" not in str(early.value)
    assert "changes since 2024-03-01 01:00 UTC can be exported until 2024-04-05 01:00 UTC" in str(late.value)


def test_without_recovery_a_table_is_not_exported(app: ExtractedItems) -> None:
    app.emulator.forget_recovery(app.name)
    refunds, visits = app.extract()
    assert refunds.problem == (
        f"refunds: the DynamoDB table {app.name} (app) can't be exported: turn on its point-in-time recovery, or set"
        " exports to null in environments.yml, so that it is scanned"
    )
    assert visits.problem is not None


def test_a_table_that_is_not_there(app: ExtractedItems) -> None:
    app.name = "nowhere"
    with pytest.raises(Exception, match=r"the DynamoDB table nowhere \(app\) does not exist"):
        app.extract()
