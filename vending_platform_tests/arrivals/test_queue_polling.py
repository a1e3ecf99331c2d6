"""A look at the queue as a person would follow it: what is requested when, and what it says meanwhile."""

import pytest

from vending_platform.arrivals import RunState
from vending_platform.catalog import Catalog
from vending_platform_tests.arrivals.simulated_queue import BEGUN, SimulatedQueue, event
from vending_platform_tests.arrivals.sqs import DEAD_LETTERS

SALES = [f"sales/sales_VM{machine:03d}_20240305.csv" for machine in range(1, 41)]


@pytest.fixture
def simulated_queue(catalog: Catalog) -> SimulatedQueue:
    return SimulatedQueue(catalog, load=lambda paths: None)


def looked(simulated_queue: SimulatedQueue, **wait: float) -> list[str]:
    """What is requested once that much time has passed."""
    simulated_queue.wait(**wait)
    return [request.about for request in simulated_queue.look().requests]


def test_the_arrivals_of_a_day_become_one_run_and_their_messages_go_when_it_is_on_record(
    simulated_queue: SimulatedQueue,
) -> None:
    for few in (SALES[:15], SALES[15:30]):
        simulated_queue.tell(*map(event, few))
        assert looked(simulated_queue, seconds=60) == []
    assert looked(simulated_queue, seconds=61) == ["2024-03-05..2024-03-05"]
    assert len(simulated_queue.sqs.waiting()) == 30
    assert simulated_queue.requested() == [frozenset(SALES[:30])]
    assert looked(simulated_queue, seconds=30) == []
    assert simulated_queue.sqs.waiting() == []


def test_later_arrivals_wait_for_the_run_that_is_under_way(simulated_queue: SimulatedQueue) -> None:
    simulated_queue.tell(event(SALES[0]))
    assert looked(simulated_queue, minutes=3) == ["2024-03-05..2024-03-05"]
    simulated_queue.tell(event(SALES[1]), event(SALES[0], writing=2))
    assert looked(simulated_queue, minutes=20) == []
    simulated_queue.wait(minutes=20)
    assert simulated_queue.look().waiting == (
        "2024-03-05..2024-03-05: a run for it is under way, and the files that came since wait for its end",
    )
    simulated_queue.end_runs()
    assert looked(simulated_queue, seconds=30) == ["2024-03-05..2024-03-05"]
    assert simulated_queue.requested() == [{SALES[0]}, {SALES[0], SALES[1]}]


def test_a_failed_run_is_asked_for_again_more_and_more_seldom_from_its_list(simulated_queue: SimulatedQueue) -> None:
    simulated_queue.tell(event(SALES[0]))
    assert looked(simulated_queue, minutes=3) == ["2024-03-05..2024-03-05"]
    assert looked(simulated_queue, minutes=1) == []
    assert simulated_queue.sqs.waiting() == []
    for minutes in (1, 2, 4):
        simulated_queue.end_runs(fails=lambda run: True)
        assert looked(simulated_queue, seconds=60 * minutes - 25) == []
        (reason,) = simulated_queue.look().waiting
        assert reason.startswith("2024-03-05..2024-03-05: failed ")
        assert looked(simulated_queue, seconds=25) == ["2024-03-05..2024-03-05"]
    assert [run.run_key[-1] for run in simulated_queue.runs] == ["4", "3", "2", "1"]
    assert simulated_queue.requested() == [{SALES[0]}] * 4
    simulated_queue.end_runs()
    assert looked(simulated_queue, hours=2) == []


def test_a_retry_waits_for_a_run_of_the_same_day(simulated_queue: SimulatedQueue) -> None:
    simulated_queue.tell(event(SALES[0]))
    looked(simulated_queue, minutes=3)
    simulated_queue.end_runs(fails=lambda run: True)
    simulated_queue.tell(event(SALES[1]))
    simulated_queue.wait(minutes=20)
    answer = simulated_queue.look()
    assert simulated_queue.requested() == [{SALES[0]}, {SALES[1]}]
    assert answer.waiting == ("2024-03-05..2024-03-05: a run for a part of it is requested just now",)
    simulated_queue.wait(seconds=30)
    assert simulated_queue.look().waiting == ("2024-03-05..2024-03-05: a run for it is under way",)
    simulated_queue.end_runs()
    assert looked(simulated_queue, seconds=30) == ["2024-03-05..2024-03-05"]
    assert simulated_queue.requested()[-1] == {SALES[0]}


def test_the_same_event_told_twice_leads_to_one_run(simulated_queue: SimulatedQueue) -> None:
    simulated_queue.tell(event(SALES[0]), event(SALES[0]))
    looked(simulated_queue, minutes=3)
    simulated_queue.end_runs()
    simulated_queue.tell(event(SALES[0]))
    assert looked(simulated_queue, minutes=20) == []
    assert (len(simulated_queue.runs), simulated_queue.sqs.waiting()) == (1, [])


def test_what_tells_of_no_file_goes_at_once_and_is_counted(simulated_queue: SimulatedQueue) -> None:
    simulated_queue.tell(event("a.csv", bucket="x"), event("b.csv", bucket="x"), '{"Event": "s3:TestEvent"}')
    said = simulated_queue.look().log
    assert said == (
        "3 messages, 0 files written; 3 messages need nothing more",
        "1 passed over: a test of the store",
        "2 passed over: about another bucket, x",
    )
    assert simulated_queue.sqs.waiting() == []
    assert simulated_queue.runs == []


def test_poison_goes_to_the_dead_letters_with_its_reason_and_stops_nothing(simulated_queue: SimulatedQueue) -> None:
    simulated_queue.tell("not \x02 JSON", event(SALES[0]))
    answer = looked(simulated_queue, minutes=3), simulated_queue.look()
    (dead,) = simulated_queue.sqs.waiting(DEAD_LETTERS)
    assert dead.body == "not \x02 JSON"
    assert dead.attributes["reason"].startswith("it is not JSON: ")
    assert dead.attributes["first_sent_at"] == BEGUN.isoformat()
    assert answer[0] == ["2024-03-05..2024-03-05"]
    assert answer[1].log[-1].startswith("1 messages in the dead-letter queue wait for a person")


def test_a_message_with_a_good_and_a_bad_record_is_kept_until_the_good_one_is_on_record(
    simulated_queue: SimulatedQueue,
) -> None:
    good = event(SALES[0]).removesuffix("]}")
    simulated_queue.tell(f'{good}, {{"eventName": "ObjectCreated:Put"}}]}}')
    assert looked(simulated_queue, seconds=30) == []
    assert simulated_queue.sqs.waiting(DEAD_LETTERS) == []
    assert looked(simulated_queue, minutes=3) == ["2024-03-05..2024-03-05"]
    looked(simulated_queue, minutes=1)
    assert (len(simulated_queue.sqs.waiting()), len(simulated_queue.sqs.waiting(DEAD_LETTERS))) == (0, 1)


def test_a_backlog_becomes_few_runs(simulated_queue: SimulatedQueue) -> None:
    days = [f"{day:02d}" for day in range(1, 20) if day % 3]
    paths = [f"sales_VM{machine:03d}_202403{day}.csv" for day in days for machine in range(1, 20)]
    simulated_queue.tell(*map(event, paths))
    assert len(looked(simulated_queue, minutes=20)) == 5
    simulated_queue.settle()
    assert sorted(map(len, simulated_queue.requested())) == [19] + [38] * 6
    assert {path for files in simulated_queue.requested() for path in files} == set(paths)


def test_a_run_that_is_stuck_for_a_day_holds_nobody_up_any_longer(simulated_queue: SimulatedQueue) -> None:
    simulated_queue.tell(event(SALES[0]))
    looked(simulated_queue, minutes=3)
    simulated_queue.tell(event(SALES[1]))
    assert looked(simulated_queue, hours=23) == []
    assert looked(simulated_queue, hours=2) == ["2024-03-05..2024-03-05"]
    assert [run.state for run in simulated_queue.runs] == [RunState.UNDER_WAY] * 2


def test_a_look_reads_lists_only_of_runs_that_can_matter(simulated_queue: SimulatedQueue) -> None:
    """What succeeded before the oldest message was sent can't be about it."""
    for number in range(3):
        simulated_queue.tell(event(SALES[number]))
        looked(simulated_queue, minutes=3)
        simulated_queue.end_runs()
        looked(simulated_queue, minutes=1)
        simulated_queue.wait(minutes=30)
    simulated_queue.forget_the_process()
    read: list[str] = []
    original = simulated_queue.lists.read
    simulated_queue.lists.read = lambda name: (read.append(name), original(name))[1]  # type: ignore[method-assign, func-returns-value]
    simulated_queue.tell(event(SALES[9]))
    simulated_queue.look()
    assert read == []
    simulated_queue.tell(event(SALES[10]))
    assert looked(simulated_queue, minutes=3) == ["2024-03-05..2024-03-05"]
    simulated_queue.look()
    assert len(set(read)) == 1
