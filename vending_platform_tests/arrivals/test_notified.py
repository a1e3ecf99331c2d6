"""A look at the queue as a person would follow it: what is requested when, and what it says meanwhile."""

import pytest

from vending_platform.arrivals import RunState
from vending_platform.catalog import Catalog
from vending_platform_tests.arrivals.sqs import DEAD_LETTERS
from vending_platform_tests.arrivals.world import BEGUN, World, event

SALES = [f"sales/sales_VM{machine:03d}_20240305.csv" for machine in range(1, 41)]


@pytest.fixture
def world(catalog: Catalog) -> World:
    return World(catalog, load=lambda paths: None)


def looked(world: World, **wait: float) -> list[str]:
    """What is requested once that much time has passed."""
    world.wait(**wait)
    return [request.about for request in world.look().requests]


def test_the_arrivals_of_a_day_become_one_run_and_their_messages_go_when_it_is_on_record(world: World) -> None:
    for few in (SALES[:15], SALES[15:30]):
        world.tell(*map(event, few))
        assert looked(world, seconds=60) == []
    assert looked(world, seconds=61) == ["2024-03-05..2024-03-05"]
    assert len(world.sqs.waiting()) == 30
    assert world.requested() == [frozenset(SALES[:30])]
    assert looked(world, seconds=30) == []
    assert world.sqs.waiting() == []


def test_later_arrivals_wait_for_the_run_that_is_under_way(world: World) -> None:
    world.tell(event(SALES[0]))
    assert looked(world, minutes=3) == ["2024-03-05..2024-03-05"]
    world.tell(event(SALES[1]), event(SALES[0], writing=2))
    assert looked(world, minutes=20) == []
    world.wait(minutes=20)
    assert world.look().waiting == (
        "2024-03-05..2024-03-05: a run for it is under way, and the files that came since wait for its end",
    )
    world.end_runs()
    assert looked(world, seconds=30) == ["2024-03-05..2024-03-05"]
    assert world.requested() == [{SALES[0]}, {SALES[0], SALES[1]}]


def test_a_failed_run_is_asked_for_again_more_and_more_seldom_from_its_list(world: World) -> None:
    world.tell(event(SALES[0]))
    assert looked(world, minutes=3) == ["2024-03-05..2024-03-05"]
    assert looked(world, minutes=1) == []
    assert world.sqs.waiting() == []
    for minutes in (1, 2, 4):
        world.end_runs(fails=lambda run: True)
        assert looked(world, seconds=60 * minutes - 25) == []
        (reason,) = world.look().waiting
        assert reason.startswith("2024-03-05..2024-03-05: failed ")
        assert looked(world, seconds=25) == ["2024-03-05..2024-03-05"]
    assert [run.run_key[-1] for run in world.runs] == ["4", "3", "2", "1"]
    assert world.requested() == [{SALES[0]}] * 4
    world.end_runs()
    assert looked(world, hours=2) == []


def test_a_retry_waits_for_a_run_of_the_same_day(world: World) -> None:
    world.tell(event(SALES[0]))
    looked(world, minutes=3)
    world.end_runs(fails=lambda run: True)
    world.tell(event(SALES[1]))
    world.wait(minutes=20)
    answer = world.look()
    assert world.requested() == [{SALES[0]}, {SALES[1]}]
    assert answer.waiting == ("2024-03-05..2024-03-05: a run for a part of it is requested just now",)
    world.wait(seconds=30)
    assert world.look().waiting == ("2024-03-05..2024-03-05: a run for it is under way",)
    world.end_runs()
    assert looked(world, seconds=30) == ["2024-03-05..2024-03-05"]
    assert world.requested()[-1] == {SALES[0]}


def test_the_same_event_told_twice_leads_to_one_run(world: World) -> None:
    world.tell(event(SALES[0]), event(SALES[0]))
    looked(world, minutes=3)
    world.end_runs()
    world.tell(event(SALES[0]))
    assert looked(world, minutes=20) == []
    assert (len(world.runs), world.sqs.waiting()) == (1, [])


def test_what_tells_of_no_file_goes_at_once_and_is_counted(world: World) -> None:
    world.tell(event("a.csv", bucket="x"), event("b.csv", bucket="x"), '{"Event": "s3:TestEvent"}')
    said = world.look().said
    assert said == (
        "3 messages, 0 files written; 3 messages need nothing more",
        "1 passed over: a test of the store",
        "2 passed over: about another bucket, x",
    )
    assert world.sqs.waiting() == []
    assert world.runs == []


def test_poison_goes_to_the_dead_letters_with_its_reason_and_stops_nothing(world: World) -> None:
    world.tell("not \x02 JSON", event(SALES[0]))
    answer = looked(world, minutes=3), world.look()
    (dead,) = world.sqs.waiting(DEAD_LETTERS)
    assert dead.body == "not \x02 JSON"
    assert dead.attributes["reason"].startswith("it is not JSON: ")
    assert dead.attributes["first_sent_at"] == BEGUN.isoformat()
    assert answer[0] == ["2024-03-05..2024-03-05"]
    assert answer[1].said[-1].startswith("1 messages in the dead-letter queue wait for a person")


def test_a_message_with_a_good_and_a_bad_record_is_kept_until_the_good_one_is_on_record(world: World) -> None:
    good = event(SALES[0]).removesuffix("]}")
    world.tell(f'{good}, {{"eventName": "ObjectCreated:Put"}}]}}')
    assert looked(world, seconds=30) == []
    assert world.sqs.waiting(DEAD_LETTERS) == []
    assert looked(world, minutes=3) == ["2024-03-05..2024-03-05"]
    looked(world, minutes=1)
    assert (len(world.sqs.waiting()), len(world.sqs.waiting(DEAD_LETTERS))) == (0, 1)


def test_a_backlog_becomes_few_runs(world: World) -> None:
    days = [f"{day:02d}" for day in range(1, 20) if day % 3]
    paths = [f"sales_VM{machine:03d}_202403{day}.csv" for day in days for machine in range(1, 20)]
    world.tell(*map(event, paths))
    assert len(looked(world, minutes=20)) == 5
    world.settle()
    assert sorted(map(len, world.requested())) == [19] + [38] * 6
    assert {path for files in world.requested() for path in files} == set(paths)


def test_a_run_that_is_stuck_for_a_day_holds_nobody_up_any_longer(world: World) -> None:
    world.tell(event(SALES[0]))
    looked(world, minutes=3)
    world.tell(event(SALES[1]))
    assert looked(world, hours=23) == []
    assert looked(world, hours=2) == ["2024-03-05..2024-03-05"]
    assert [run.state for run in world.runs] == [RunState.UNDER_WAY] * 2


def test_a_look_reads_lists_only_of_runs_that_can_matter(world: World) -> None:
    """What succeeded before the oldest message was sent can't be about it."""
    for number in range(3):
        world.tell(event(SALES[number]))
        looked(world, minutes=3)
        world.end_runs()
        looked(world, minutes=1)
        world.wait(minutes=30)
    world.forget_the_process()
    read: list[str] = []
    original = world.lists.read
    world.lists.read = lambda name: (read.append(name), original(name))[1]  # type: ignore[method-assign, func-returns-value]
    world.tell(event(SALES[9]))
    world.look()
    assert read == []
    world.tell(event(SALES[10]))
    assert looked(world, minutes=3) == ["2024-03-05..2024-03-05"]
    world.look()
    assert len(set(read)) == 1
