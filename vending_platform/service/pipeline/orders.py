"""An order becomes a run: at most one for each Idempotency-Key, whatever is sent at once, killed or sent again.

Before a run is launched its key is taken, by a file in the place of work that only one process can create. Who created
it launches the run, once, and notes the run's id beside. No one else ever launches for that key: others wait for that
id, or find the run in Dagster by its tag. Where both fail for longer than a launch can take, the process was killed
between the two: nothing was started, and the answer says so.
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from weakref import WeakValueDictionary

from vending_platform.service.pipeline.dagster_api import DagsterApi, DagsterUnavailable, LaunchRefused
from vending_platform.service.pipeline.models import ExportOrder
from vending_platform.service.web import ApiCaller, HttpProblem, unavailable
from vending_platform.storage import Place

DAILY_JOB, EXPORT_JOB, WRITE_STEP = "daily", "export", "write_what_changed"
"""As Dagster has them."""
REQUESTED_BY, REQUEST, ORDER = "vending/started_by", "vending/request", "vending/order"
"""The tags of a run that was ordered here."""
_FOLDER = "service/orders"
_LAUNCH_TAKES = timedelta(seconds=60)
"""At most: more than the client of Dagster waits for an answer."""
_KEPT = timedelta(days=7)
_BETWEEN_SWEEPS = timedelta(hours=1)
_LOOKS, _BETWEEN_LOOKS = 100, 0.1
_REMEMBERED = 10_000


@dataclass(frozen=True)
class _Taken:
    """What is noted when a key is taken."""

    digest: str
    accepted_at: str
    requested_by: str


@dataclass(frozen=True)
class Launched:
    run_id: str
    is_repeated: bool


class Orders:
    """The orders of one environment, whose files are below `work`. `now` is the clock's."""

    def __init__(
        self, dagster: DagsterApi, work: Callable[[], Place], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._dagster, self._work, self._now = dagster, work, now
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._launched: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._swept_at: datetime | None = None

    async def place(self, order: ExportOrder, key: str, caller: ApiCaller) -> Launched:
        """The run of this order. A key is the caller's own: another caller's equal one is another."""
        request = _hash("\0".join((caller.id, key)))
        digest = _hash(_canonical(order))
        turn = self._turns.setdefault(request, asyncio.Lock())
        async with turn:
            is_repeated = True
            if request not in self._launched:
                is_repeated, run_id = await self._first_in_this_process(request, order, digest, caller)
                self._remember(request, digest, run_id)
            known, run_id = self._launched[request]
        if known != digest:
            raise _key_reused()
        return Launched(run_id, is_repeated)

    async def _first_in_this_process(
        self, request: str, order: ExportOrder, digest: str, caller: ApiCaller
    ) -> tuple[bool, str]:
        taken = _Taken(digest, self._now().isoformat(), caller.name)
        if await asyncio.to_thread(self._take, request, taken):
            return False, await self._launch(request, order, caller)
        before = await asyncio.to_thread(self._taken, request)
        if before is None:  # its launch failed at this moment, and it gave the key back
            raise unavailable("an equal request has just failed: send it again", seconds=1)
        if before.digest != digest:
            raise _key_reused()
        return True, await self._launched_elsewhere(request, before)

    async def _launch(self, request: str, order: ExportOrder, caller: ApiCaller) -> str:
        job = DAILY_JOB if order.load else EXPORT_JOB
        tags = {REQUESTED_BY: caller.name, REQUEST: request, ORDER: _canonical(order)}
        try:
            run_id = (await self._dagster.launch(job, _config(order), tags)).id
        except (LaunchRefused, DagsterUnavailable) as error:
            if isinstance(error, LaunchRefused) or not error.was_sent:  # so there is no run, and there will be none
                await asyncio.to_thread(self._give_back, request)
                raise
            if (found := await self._with_tag(request)) is None:
                raise
            run_id = found
        await asyncio.to_thread(self._note, request, run_id)
        return run_id

    async def _launched_elsewhere(self, request: str, taken: _Taken) -> str:
        """Where another process has the key, or had it when it ended."""
        age = self._now() - datetime.fromisoformat(taken.accepted_at)
        run_id = await self._noted_or_tagged(request)
        looks = 0 if age > _LAUNCH_TAKES else _LOOKS
        while run_id is None and looks > 0:
            looks -= 1
            await asyncio.sleep(_BETWEEN_LOOKS)
            run_id = await (asyncio.to_thread(self._noted, request) if looks else self._noted_or_tagged(request))
        if run_id is not None:
            return run_id
        if age > _LAUNCH_TAKES:
            raise HttpProblem(
                HTTPStatus.CONFLICT,
                "not-started",
                f"the service ended after it had accepted this request at {taken.accepted_at} and before it launched a"
                " run: nothing was started; send it again with a new Idempotency-Key",
            )
        raise HttpProblem(
            HTTPStatus.CONFLICT,
            "in-progress",
            "an equal request is being launched: send it again after the seconds in the header Retry-After",
            headers={"Retry-After": str(int((_LAUNCH_TAKES - age).total_seconds()) + 1)},
        )

    async def _noted_or_tagged(self, request: str) -> str | None:
        if (run_id := await asyncio.to_thread(self._noted, request)) is not None:
            return run_id
        if (run_id := await self._with_tag(request)) is not None:
            await asyncio.to_thread(self._note, request, run_id)
        return run_id

    async def _with_tag(self, request: str) -> str | None:
        found = await self._dagster.runs(tags={REQUEST: request}, limit=1)
        return found[0].id if found else None

    def _remember(self, request: str, digest: str, run_id: str) -> None:
        self._launched[request] = (digest, run_id)
        while len(self._launched) > _REMEMBERED:
            self._launched.popitem(last=False)

    def _take(self, request: str, taken: _Taken) -> bool:
        self._sweep()
        return self._work().create(_taken_path(request), json.dumps(asdict(taken)).encode())

    def _taken(self, request: str) -> _Taken | None:
        text = self._read(_taken_path(request))
        return None if text is None else _Taken(**json.loads(text))

    def _give_back(self, request: str) -> None:
        self._work().delete(_taken_path(request))

    def _note(self, request: str, run_id: str) -> None:
        self._work().write(_run_path(request), run_id.encode())

    def _noted(self, request: str) -> str | None:
        text = self._read(_run_path(request))
        return None if text is None else text.decode()

    def _read(self, path: str) -> bytes | None:
        try:
            return b"".join(self._work().read_path(path))
        except KeyError:
            return None

    def _sweep(self) -> None:
        """Keys are kept for some days; now and then the older ones go."""
        now = self._now()
        if self._swept_at is not None and now - self._swept_at < _BETWEEN_SWEEPS:
            return
        self._swept_at = now
        place = self._work()
        for file in place.files(_FOLDER):
            if now - file.modified_at > _KEPT:
                place.delete(file.path)


def _key_reused() -> HttpProblem:
    return HttpProblem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "key-reused",
        "this Idempotency-Key was used for another request: send this one with a key of its own",
    )


def _config(order: ExportOrder) -> dict[str, Any]:
    chosen = order.model_dump(mode="json", exclude={"load"}, exclude_none=True)
    return {"ops": {WRITE_STEP: {"config": chosen}}} if chosen else {}


def _canonical(order: ExportOrder) -> str:
    return json.dumps(order.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _taken_path(request: str) -> str:
    return f"{_FOLDER}/{request}.json"


def _run_path(request: str) -> str:
    return f"{_FOLDER}/{request}.run"
