"""How checks are looked at: all at the same time, each for so long and no longer, and none whose ground is missing."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from threading import Thread

from vending_platform.alerts import one_line
from vending_platform.errors import PlatformError


class CheckFailed(PlatformError):
    """The message says what is wrong, and how to fix it."""


class Hidden(PlatformError):
    """It can't be seen whether it is fine; the message says why."""


class Health(StrEnum):
    FINE = "fine"
    WRONG = "wrong"
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True)
class Check:
    """`look` says in a few words what it found, or raises what is wrong. It is not called unless all that it `needs` is
    fine, and who is `alone` not before all others are done."""

    name: str
    look: Callable[[], str]
    needs: tuple[str, ...] = ()
    seconds: float = 60
    alone: bool = False


@dataclass(frozen=True)
class Diagnosis:
    check: str
    health: Health
    words: str


def examine(checks: Sequence[Check]) -> Iterator[Diagnosis]:
    """What each check found, in their order, as soon as it and all before it are known."""
    found: dict[str, Future[Diagnosis]] = {check.name: Future() for check in checks}
    others = [found[check.name] for check in checks if not check.alone]
    for check in checks:
        grounds = [found[name] for name in check.needs]
        waits_for = others if check.alone else []
        # As a daemon: what hangs in a library must not keep the process from ending.
        Thread(target=_examine, args=[check, grounds, waits_for, found[check.name]], daemon=True).start()
    for check in checks:
        yield found[check.name].result()


def _examine(
    check: Check, grounds: Sequence[Future[Diagnosis]], waits_for: Sequence[Future[Diagnosis]], told: Future[Diagnosis]
) -> None:
    missing = [ground.result().check for ground in grounds if ground.result().health is not Health.FINE]
    for other in waits_for:
        other.result()
    if missing:
        told.set_result(Diagnosis(check.name, Health.NOT_LOOKED_AT, f"because of: {', '.join(missing)}"))
        return
    answer: Future[Diagnosis] = Future()
    Thread(target=lambda: answer.set_result(_look(check)), daemon=True).start()
    try:
        told.set_result(answer.result(check.seconds))
    except TimeoutError:
        why = f"no answer within {check.seconds:.0f} seconds: is there a way there, and is it up?"
        told.set_result(Diagnosis(check.name, Health.WRONG, why))


def _look(check: Check) -> Diagnosis:
    try:
        return Diagnosis(check.name, Health.FINE, check.look())
    except Exception as error:  # whatever it is, the others are still worth knowing
        health = Health.NOT_LOOKED_AT if isinstance(error, Hidden) else Health.WRONG
        kind = "" if isinstance(error, PlatformError) else f"{type(error).__name__}: "
        return Diagnosis(check.name, health, one_line(f"{kind}{error}"))
