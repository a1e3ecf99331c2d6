"""What is told, when, and that no trouble with a channel, a place or a process loses it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.alerts import (
    AlertState,
    Event,
    Finder,
    Notification,
    NotNow,
    Problem,
    ProblemKind,
    look,
    recall,
    send_notifications,
)
from vending_platform.alerts.problem import OpenProblem, reconcile
from vending_platform.alerts.state import PATH, UNREADABLE
from vending_platform_tests.alerts.parts import NOON, Crash, Folder, Notebook, found, problem
from vending_platform_tests.properties import examples

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True, scope="module")
def _without_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tenacity.nap.time.sleep", lambda _: None)
        yield


def told_times(counts: list[int], kind: ProblemKind, step: timedelta = timedelta(minutes=10)) -> list[timedelta]:
    """After how long a problem is told, that is found every ten minutes with these counts."""
    known: list[OpenProblem] = []
    times = []
    for number, count in enumerate(counts):
        messages, known = reconcile(known, found(problem(kind=kind, count=count)), NOON + number * step)
        times += [number * step for _ in messages]
    return times


def test_what_stays_is_told_more_and_more_seldom() -> None:
    weeks = told_times([1] * 6 * 24 * 16, ProblemKind.RUN)
    assert weeks == [timedelta(), HOUR, 7 * HOUR, 31 * HOUR, 31 * HOUR + 7 * DAY, 31 * HOUR + 14 * DAY]


def test_a_run_that_fails_again_and_again_is_one_problem() -> None:
    assert told_times(list(range(1, 30)), ProblemKind.RUN) == [timedelta(), HOUR]
    _, (known,) = reconcile(
        reconcile([], found(problem(count=1)), NOON)[1], found(problem(count=3, since=NOON - HOUR)), NOON + MINUTE
    )
    assert (known.problem.count, known.since) == (3, NOON - HOUR)


def test_another_file_in_quarantine_is_news_but_not_every_minute() -> None:
    a_day_of_quiet = [1] * 6 * 24
    assert told_times(a_day_of_quiet, ProblemKind.QUARANTINE) == [timedelta(), HOUR, 7 * HOUR]
    after_a_day = told_times([*a_day_of_quiet, 2, 3, 4], ProblemKind.QUARANTINE)
    assert after_a_day == [timedelta(), HOUR, 7 * HOUR, DAY]


def test_one_fixed_and_another_broken_is_news_too() -> None:
    assert told_times([2] * 50 + [1] + [2] * 3, ProblemKind.QUARANTINE) == [
        timedelta(),
        HOUR,
        7 * HOUR,
        51 * 10 * MINUTE,
    ]


def test_it_is_over_when_it_is_not_found_any_more_and_not_when_nobody_could_look() -> None:
    _, known = reconcile([], found(problem()), NOON)
    assert reconcile(known, {}, NOON + MINUTE) == ([], known)
    messages, known = reconcile(known, found(), NOON + HOUR)
    assert [(message.event, message.since, message.at) for message in messages] == [
        (Event.RECOVERED, NOON, NOON + HOUR)
    ]
    assert reconcile(known, found(), NOON + 2 * HOUR) == ([], [])


def test_a_channel_that_is_down_for_two_looks_is_told_at_the_third() -> None:
    folder, slack, sns = Folder(), Notebook("slack", is_down=True), Notebook("sns")
    for number in range(3):
        slack.is_down = number < 2
        told = send_notifications(folder, recall(folder), found(problem()), [slack, sns], NOON + number * MINUTE)
        assert dict(told.down) == ({"slack": "no answer"} if number < 2 else {})
    assert slack.events() == sns.events() == ["NEW daily"]
    assert slack.attempts == 7, "three times in each look, and then once"


def test_a_channel_that_was_down_meanwhile_hears_that_it_was_there_and_is_over() -> None:
    folder, slack = Folder(), Notebook("slack", is_down=True)
    for number in range(30):
        send_notifications(folder, recall(folder), found(problem()), [slack], NOON + number * HOUR)
    send_notifications(folder, recall(folder), found(), [slack], NOON + 30 * HOUR)
    slack.is_down = False
    send_notifications(folder, recall(folder), found(), [slack], NOON + 31 * HOUR)
    assert [event for event in slack.events() if "daily" in event] == ["NEW daily", "RECOVERED daily"]
    assert slack.messages[0].since == NOON


def test_the_other_channels_are_told_that_one_is_down() -> None:
    folder, slack, sns = Folder(), Notebook("slack", is_down=True), Notebook("sns")
    for minutes in (0, 10, 20):
        send_notifications(folder, recall(folder), found(problem()), [slack, sns], NOON + minutes * MINUTE)
    assert sns.events() == ["NEW daily", "NEW slack"]
    assert sns.messages[1].problem.kind is ProblemKind.CHANNEL
    slack.is_down = False
    for minutes in (21, 22):
        send_notifications(folder, recall(folder), found(problem()), [slack, sns], NOON + minutes * MINUTE)
    assert sns.events()[2:] == ["RECOVERED slack"]


def test_a_mistake_in_one_channel_does_not_silence_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Notebook):
        def send(self, message: Notification) -> None:
            raise ZeroDivisionError

    sns = Notebook("sns")
    told = send_notifications(Folder(), AlertState(), found(problem()), [Broken("broken"), sns], NOON)
    assert (dict(told.down), sns.events()) == ({"broken": "ZeroDivisionError"}, ["NEW daily"])
    assert "broken can't be used" in caplog.text


def test_nothing_is_written_while_nothing_changes() -> None:
    folder, sns = Folder(), Notebook("sns")
    send_notifications(folder, recall(folder), found(problem()), [sns], NOON)
    before = folder.files[PATH]
    folder.crash_in = 0
    send_notifications(folder, recall(folder), found(problem()), [sns], NOON + MINUTE)
    assert folder.files[PATH] == before


def test_a_memory_that_nobody_understands_is_kept_and_everything_told_anew(caplog: pytest.LogCaptureFixture) -> None:
    folder, sns = Folder({PATH: b'{"known": 7'}), Notebook("sns")
    send_notifications(folder, recall(folder), found(problem()), [sns], NOON)
    assert sns.events() == ["NEW daily"]
    assert folder.files[UNREADABLE] == b'{"known": 7'
    assert "can't be understood" in caplog.text


def test_a_finder_that_fails_is_told_and_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> list[Problem]:
        raise ConnectionError("password=hunter2")

    def waits() -> list[Problem]:
        raise NotNow

    seen = look(
        [
            Finder("the warehouse", frozenset({ProblemKind.MARTS}), fails),
            Finder("busy", frozenset({ProblemKind.CHECK}), waits),
            Finder("runs", frozenset({ProblemKind.RUN}), lambda: [problem()]),
        ]
    )
    assert seen.keys() == {ProblemKind.RUN, ProblemKind.WATCH}
    (blind,) = seen[ProblemKind.WATCH]
    assert (blind.about, blind.why) == ("the warehouse", "looking fails with ConnectionError")
    assert "can't look at the warehouse" in caplog.text


ABOUTS = (("daily", ProblemKind.RUN), ("sales", ProblemKind.MISSING), ("staff", ProblemKind.MISSING))
CHANNELS = ("sns", "slack")


@dataclass(frozen=True)
class Look:
    """One look in a story: what there is, what could not be looked at, which channels are down, where it crashes."""

    there: frozenset[tuple[str, ProblemKind]]
    hidden: frozenset[ProblemKind]
    down: frozenset[str]
    crash_in: int | None
    minutes: int


LOOKS = st.builds(
    Look,
    there=st.frozensets(st.sampled_from(ABOUTS)),
    hidden=st.frozensets(st.sampled_from([ProblemKind.RUN, ProblemKind.MISSING]), max_size=1),
    down=st.frozensets(st.sampled_from(CHANNELS)),
    crash_in=st.none() | st.integers(0, 3),
    minutes=st.sampled_from([1, 7, 61, 400, 1500]),
)


@examples(150)
@given(st.lists(LOOKS, max_size=12))
def test_whatever_happens_every_problem_is_told_and_every_recovery_once(story: list[Look]) -> None:
    folder, channels, now = Folder(), [Notebook(name) for name in CHANNELS], NOON
    begun: set[tuple[str, ProblemKind]] = set()
    has_crashed = False
    for one in story:
        now += one.minutes * MINUTE
        problems = [problem(about, kind) for about, kind in one.there if kind not in one.hidden]
        looked_at = [kind for kind in (ProblemKind.RUN, ProblemKind.MISSING) if kind not in one.hidden]
        for channel in channels:
            channel.is_down = channel.name in one.down
        folder.crash_in = one.crash_in
        try:
            send_notifications(folder, recall(folder), found(*problems, looked_at=looked_at), channels, now)
        except Crash:
            has_crashed = True
        folder.crash_in = None
        memory = recall(folder)
        begun |= {(known.problem.about, known.problem.kind) for known in memory.known}
        assert len(memory.known) <= len(ABOUTS) + len(CHANNELS)
        assert all(len(waiting) <= 2 * (len(ABOUTS) + len(CHANNELS)) for waiting in memory.untold.values())
    for channel in channels:
        channel.is_down = False
    for _ in range(3):
        now += MINUTE
        end = send_notifications(
            folder, recall(folder), found(looked_at=[ProblemKind.RUN, ProblemKind.MISSING]), channels, now
        )
    assert (list(end.memory.known), [list(left) for left in end.memory.untold.values()]) == ([], [[], []])
    for channel in channels:
        heard: dict[tuple[str, ProblemKind], list[Notification]] = {}
        for message in channel.messages:
            said = heard.setdefault((message.problem.about, message.problem.kind), [])
            if message not in said:  # a crash between sending and noting repeats it
                said.append(message)
        assert begun <= heard.keys(), "every problem is told, while it lasts or after"
        for said in heard.values():
            events = [message.event for message in said]
            assert events[0] is Event.NEW
            assert events[-1] is Event.RECOVERED
            over = [place for place, event in enumerate(events) if event is Event.RECOVERED]
            once = all(later - earlier > 1 for earlier, later in pairwise(over))
            assert once or has_crashed, "a crash may repeat a recovery, and nothing else does"


def test_a_crash_between_sending_and_noting_repeats_the_message() -> None:
    folder, sns = Folder(), Notebook("sns")
    folder.crash_in = 2  # the message is written down, and sent, and then it ends
    with pytest.raises(Crash):
        send_notifications(folder, AlertState(), found(problem()), [sns], NOON)
    assert sns.events() == ["NEW daily"]
    folder.crash_in = None
    send_notifications(folder, recall(folder), found(problem()), [sns], NOON + MINUTE)
    assert sns.messages == [sns.messages[0]] * 2


def test_what_cannot_be_written_down_is_not_sent() -> None:
    """Or it would be sent again each minute for as long as the place is read-only."""
    folder, sns = Folder(crash_in=0), Notebook("sns")
    with pytest.raises(Crash):
        send_notifications(folder, AlertState(), found(problem()), [sns], NOON)
    assert sns.events() == []


def test_a_slow_channel_takes_what_it_can_and_the_rest_next_time() -> None:
    folder, sns = Folder(), Notebook("sns")
    problems = [problem(f"job {number}") for number in range(5)]
    told = send_notifications(folder, recall(folder), found(*problems), [sns], NOON, seconds=0)
    assert (told.sent, dict(told.down)) == (0, {})
    send_notifications(folder, recall(folder), found(*problems), [sns], NOON + MINUTE)
    assert sns.events() == [f"NEW job {number}" for number in range(5)]


def test_the_memory_is_read_as_it_was_written() -> None:
    folder = Folder()
    told = send_notifications(
        folder, AlertState(), found(problem(since=NOON - HOUR, link="https://x/1")), [Notebook("a", True)], NOON
    )
    back = recall(folder)
    assert replace(back, known=list(back.known)) == told.memory


def test_what_went_well_is_one_notice_and_never_a_problem() -> None:
    """Once, however often it is found; again for another run; and gone from memory when it is no longer found."""
    folder, phone = Folder(), Notebook("a")
    loaded = problem("one of run 1", ProblemKind.LOADED)
    again = problem("one of run 2", ProblemKind.LOADED)
    memory = send_notifications(folder, AlertState(), found(loaded), [phone], NOON).memory
    memory = send_notifications(folder, memory, found(loaded, again), [phone], NOON + HOUR).memory
    memory = send_notifications(folder, memory, found(again), [phone], NOON + 2 * HOUR).memory
    memory = send_notifications(folder, memory, found(), [phone], NOON + 3 * HOUR).memory
    assert phone.events() == ["DONE one of run 1", "DONE one of run 2"]
    assert memory.known == []
    assert list(memory.done) == ["one of run 2"]
    assert recall(folder) == memory
