"""Runs checks at the same time, each for a limited time, and none that needs one which is not fine."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from threading import Thread

from vending_platform.alerts import one_line
from vending_platform.errors import PlatformError
from vending_platform.health import CheckSkipped, HealthCheck


class Health(StrEnum):
    FINE = "fine"
    WRONG = "wrong"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Diagnosis:
    check: str
    health: Health
    message: str


def examine(checks: Sequence[HealthCheck]) -> Iterator[Diagnosis]:
    """What each check found, in their order, as soon as it and all before it are known."""
    found: dict[str, Future[Diagnosis]] = {check.name: Future() for check in checks}
    others = [found[check.name] for check in checks if not check.alone]
    for check in checks:
        needed = [found[name] for name in check.needs]
        waits_for = others if check.alone else []
        # As a daemon: a check that hangs in a library must not keep the process from ending.
        Thread(target=_examine, args=[check, needed, waits_for, found[check.name]], daemon=True).start()
    for check in checks:
        yield found[check.name].result()


def _examine(
    check: HealthCheck,
    needed: Sequence[Future[Diagnosis]],
    waits_for: Sequence[Future[Diagnosis]],
    diagnosis: Future[Diagnosis],
) -> None:
    missing = [other.result().check for other in needed if other.result().health is not Health.FINE]
    for other in waits_for:
        other.result()
    if missing:
        diagnosis.set_result(Diagnosis(check.name, Health.SKIPPED, f"because of: {', '.join(missing)}"))
        return
    running: Future[Diagnosis] = Future()
    Thread(target=lambda: running.set_result(_run(check)), daemon=True).start()
    try:
        diagnosis.set_result(running.result(check.seconds))
    except TimeoutError:
        why = f"no answer within {check.seconds:.0f} seconds: check the network, and that the service is running"
        diagnosis.set_result(Diagnosis(check.name, Health.WRONG, why))


def _run(check: HealthCheck) -> Diagnosis:
    try:
        return Diagnosis(check.name, Health.FINE, check.run())
    except Exception as error:  # whatever it is, the results of the other checks are still useful
        health = Health.SKIPPED if isinstance(error, CheckSkipped) else Health.WRONG
        kind = "" if isinstance(error, PlatformError) else f"{type(error).__name__}: "
        return Diagnosis(check.name, health, one_line(f"{kind}{error}"))
