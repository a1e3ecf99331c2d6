"""No worker is locked out: whichever is killed, suspended or late in a renewal, the others go on with a valid token.

On a laptop the kernel's lock excludes, in the cloud files of S3 and versions of a secret; the processor ends the whole
consent if a refresh token is used twice, but for a while after the first use.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from vending_platform.connections import ConsentEnd, Grant, NotConnected
from vending_platform.connections.store import GrantStore
from vending_platform.connections.turns import LENGTH, TurnLost
from vending_platform_tests.connections.crashing import SECRET, Workshop, killed_at
from vending_platform_tests.connections.people import PassingTime
from vending_platform_tests.connections.test_tokens import works
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.payments import PaymentProcessor

Opened = Callable[[str], Workshop]
PLACES = ["laptop", "cloud"]


@pytest.fixture
def opened(processor: PaymentProcessor, tmp_path: Path, aws: EmulatedAws) -> Opened:
    def open_in(place: str) -> Workshop:
        workshop = Workshop(processor.address, tmp_path)
        if place == "cloud":
            aws.reset()
            aws.client("secretsmanager").create_secret(Name=SECRET)
            variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
            workshop = Workshop(processor.address, tmp_path, aws.endpoint, variables)
        workshop.connect()
        return workshop

    return open_in


def all_work(processor: PaymentProcessor, workshop: Workshop) -> None:
    """For the first worker the turn of one that was killed is over at once, as if it had waited."""
    token = workshop.open(PassingTime()).access_token()
    assert workshop.open().access_token() == token
    assert works(processor, token)
    assert not processor.consents[-1].reuse_detected


@pytest.mark.parametrize("point", ["taken", "answered", "kept"])
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_is_killed_in_a_renewal_locks_no_other_out(
    processor: PaymentProcessor, opened: Opened, place: str, point: str
) -> None:
    processor.grace = 30
    workshop = opened(place)
    killed_at(workshop, point)
    all_work(processor, workshop)
    assert processor.refreshes() == (2 if point == "answered" else 1)


@pytest.mark.parametrize("place", PLACES)
def test_two_that_are_killed_between_answer_and_keeping_lock_no_third_out(
    processor: PaymentProcessor, opened: Opened, place: str
) -> None:
    processor.grace = 30
    workshop = opened(place)
    killed_at(workshop, "answered")
    killed_at(workshop, "answered")
    all_work(processor, workshop)


@pytest.mark.parametrize("place", PLACES)
def test_without_grace_a_person_connects_again_and_all_go_on(
    processor: PaymentProcessor, opened: Opened, place: str
) -> None:
    """The one case that no client can prevent."""
    workshop = opened(place)
    killed_at(workshop, "answered")
    with pytest.raises(NotConnected, match="may have been lost on the way"):
        workshop.open(PassingTime()).access_token()
    grant = workshop.open().state()
    assert grant is not None
    assert grant.ended is ConsentEnd.LOST
    workshop.connect()
    all_work(processor, workshop)


@pytest.mark.parametrize("place", PLACES)
def test_many_workers_use_a_refresh_token_once(processor: PaymentProcessor, opened: Opened, place: str) -> None:
    workshop = opened(place)
    workers = [workshop.open() for _ in range(8)]
    with ThreadPoolExecutor(len(workers)) as pool:
        tokens = list(pool.map(lambda worker: worker.access_token(), workers))
    assert len(set(tokens)) == 1
    assert works(processor, tokens[0])
    assert processor.refreshes() == 1


def test_a_worker_that_was_suspended_for_too_long_is_too_late_to_keep_anything(
    processor: PaymentProcessor, opened: Opened
) -> None:
    """It comes back with an answer of its own after another one has kept the next generation."""
    processor.grace = 30
    workshop = opened("cloud")
    slow, resumes, waits = workshop.open(), threading.Event(), threading.Event()

    def suspend(point: str) -> None:
        if point == "answered":
            waits.set()
            resumes.wait()

    slow.on_point = suspend
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(slow.access_token)
        waits.wait()
        kept = workshop.open(PassingTime()).access_token()
        resumes.set()
        assert late.result() == kept
    assert workshop.open().access_token() == kept
    assert processor.refreshes() == 2


def test_a_worker_that_was_suspended_before_it_asked_asks_nothing(processor: PaymentProcessor, opened: Opened) -> None:
    workshop = opened("cloud")
    time = PassingTime()
    slow, resumes, waits = workshop.open(time), threading.Event(), threading.Event()

    def suspend(point: str) -> None:
        if point == "taken":
            waits.set()
            resumes.wait()

    slow.on_point = suspend
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(slow.access_token)
        waits.wait()
        kept = workshop.open(PassingTime()).access_token()
        time.at += LENGTH
        resumes.set()
        with pytest.raises(TurnLost) as caught:
            late.result()
    assert caught.value.is_transient
    assert slow.access_token() == kept
    assert processor.refreshes() == 1


@dataclass
class LateStore:
    """Shows what was there before for so many reads, as a store may that has several copies."""

    store: GrantStore
    old: Grant | None
    left: int

    def read(self) -> Grant | None:
        self.left -= 1
        return self.old if self.left >= 0 else self.store.read()

    def keep(self, grant: Grant) -> bool:
        return self.store.keep(grant)


def test_a_store_that_shows_the_tokens_from_before_makes_no_one_use_them_again(
    processor: PaymentProcessor, opened: Opened
) -> None:
    workshop = opened("cloud")
    old = workshop.open().state()
    kept = workshop.open().access_token()
    worker = workshop.open(PassingTime())
    worker.store = LateStore(worker.store, old, left=3)
    assert worker.access_token() == kept
    assert processor.refreshes() == 1


def test_a_secret_that_can_t_be_written_for_a_while_loses_no_token(
    processor: PaymentProcessor, opened: Opened, aws: EmulatedAws
) -> None:
    workshop = opened("cloud")
    worker = workshop.open()
    left = iter([False, False])
    keep = worker.store.keep

    @dataclass
    class Failing:
        def read(self) -> Grant | None:
            return workshop.open().store.read()

        def keep(self, grant: Grant) -> bool:
            if next(left, True):
                return keep(grant)
            raise OSError("the network is down")

    worker.store = Failing()
    token = worker.access_token()
    assert works(processor, token)
    assert workshop.open().access_token() == token
    assert processor.refreshes() == 1


def test_files_of_turns_that_no_one_needs_are_tidied_away(processor: PaymentProcessor, opened: Opened) -> None:
    workshop = opened("laptop")
    worker = workshop.open()
    rejected: SecretStr | None = None
    for _ in range(6):
        rejected = worker.access_token(rejected)
    assert len(list(workshop.work.paths("connections/turns"))) == 2
