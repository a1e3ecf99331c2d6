"""Dagster through its GraphQL: launch a run, find runs, read a run's events, cancel one.

Everything is answered by the web server that people use too, so a run stands in its UI and waits in its queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from vending_platform.errors import PlatformError, Unavailable
from vending_platform.service.pipeline.models import RunPhase

_REPOSITORY = "__repository__"
"""What Dagster calls the only repository of a code location."""
_CONNECT_SECONDS, _ANSWER_SECONDS = 3.0, 20.0

_RUN = """fragment run on Run {
  runId jobName status creationTime startTime endTime tags { key value }
}"""
_RUNS = (
    _RUN
    + """query Runs($filter: RunsFilter, $cursor: String, $limit: Int) {
  runsOrError(filter: $filter, cursor: $cursor, limit: $limit) {
    __typename
    ... on Runs { results { ...run } }
    ... on Error { message }
  }
}"""
)
_ONE_RUN = (
    _RUN
    + """query OneRun($id: ID!) {
  runOrError(runId: $id) {
    __typename
    ... on Run { ...run stepStats { stepKey status startTime endTime } }
    ... on Error { message }
  }
}"""
)
_LAUNCH = (
    _RUN
    + """mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { ...run } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on Error { message }
  }
}"""
)
_EVENTS = """query Events($id: ID!, $cursor: String, $limit: Int) {
  logsForRun(runId: $id, afterCursor: $cursor, limit: $limit) {
    __typename
    ... on EventConnection {
      cursor hasMore
      events {
        __typename
        ... on MessageEvent { message timestamp level stepKey eventType }
        ... on MaterializationEvent { assetKey { path } partition }
        ... on ErrorEvent { error { message } }
      }
    }
    ... on Error { message }
  }
  runOrError(runId: $id) { ... on Run { status tags { key value } } }
}"""
_TERMINATE = """mutation Terminate($id: String!) {
  terminateRun(runId: $id) { __typename ... on TerminateRunFailure { message } ... on Error { message } }
}"""

_PHASES = {
    "NOT_STARTED": RunPhase.NOT_STARTED,
    "MANAGED": RunPhase.RUNNING,
    "QUEUED": RunPhase.QUEUED,
    "STARTING": RunPhase.STARTING,
    "STARTED": RunPhase.RUNNING,
    "SUSPENDED": RunPhase.RUNNING,
    "SUCCESS": RunPhase.SUCCEEDED,
    "FAILURE": RunPhase.FAILED,
    "CANCELING": RunPhase.CANCELING,
    "CANCELED": RunPhase.CANCELED,
}
_STEP_PHASES = {
    "IN_PROGRESS": RunPhase.RUNNING,
    "SUCCESS": RunPhase.SUCCEEDED,
    "FAILURE": RunPhase.FAILED,
    "SKIPPED": RunPhase.CANCELED,
}
STATUSES = {phase: [name for name, of in _PHASES.items() if of is phase] for phase in RunPhase}


class DagsterUnavailable(Unavailable):
    """Dagster did not answer as it should; `was_sent` is false where it can't have heard of the request."""

    def __init__(self, message: str, *, was_sent: bool = True) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class LaunchRefused(PlatformError):
    """Dagster launches no such run; the message has its reason."""


class NoSuchRun(KeyError):
    """Dagster has no run of this id, or it is one of another domain."""


class CancelRefused(Exception):
    """Dagster does not stop this run; the message has its reason."""


@dataclass(frozen=True)
class StepSeen:
    name: str
    phase: RunPhase
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class RunSeen:
    """A run as Dagster has it."""

    id: str
    job: str
    phase: RunPhase
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    tags: Mapping[str, str]
    steps: tuple[StepSeen, ...] = ()


@dataclass(frozen=True)
class RawEvent:
    """An event of a run as Dagster has it."""

    type: str
    at: datetime
    level: str
    step: str | None
    text: str
    asset: str | None
    partition: str | None


@dataclass(frozen=True)
class EventBatch:
    """Events after a cursor, and what the run was when they were read."""

    events: list[RawEvent]
    cursor: str
    has_more: bool
    phase: RunPhase


@dataclass
class DagsterApi:
    """One Dagster, and in it one code location: a domain. Runs of others are as if they were not there.

    The client is made when it is first used, by the loop that uses it, so that an application can be made without one.
    """

    url: str
    location: str
    transport: Any = None
    """What carries the requests, where it is not the network."""
    _client: Any = field(default=None, init=False, repr=False)

    async def launch(self, job: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> RunSeen:
        selector = {"repositoryLocationName": self.location, "repositoryName": _REPOSITORY, "jobName": job}
        params = {
            "selector": selector,
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        answer = (await self._ask(_LAUNCH, {"params": params}))["launchRun"]
        if answer["__typename"] == "LaunchRunSuccess":
            return _run(answer["run"])
        reasons = [error["message"] for error in answer.get("errors", ())] or [answer.get("message", "")]
        why = f"Dagster did not launch {job} ({answer['__typename']}): {'; '.join(reasons)[:500]}"
        if answer["__typename"] == "PythonError":
            raise DagsterUnavailable(why)
        raise LaunchRefused(why)

    async def run(self, run_id: str) -> RunSeen:
        """NoSuchRun if there is none here."""
        answer = (await self._ask(_ONE_RUN, {"id": run_id}))["runOrError"]
        match answer["__typename"]:
            case "Run" if self._is_here(answer):
                return _run(answer)
            case "Run" | "RunNotFoundError" | "PipelineRunNotFoundError":
                raise NoSuchRun(run_id)
        raise DagsterUnavailable(f"Dagster can't show the run {run_id}: {answer.get('message')}")

    async def runs(
        self,
        *,
        phases: Sequence[RunPhase] = (),
        job: str | None = None,
        tags: Mapping[str, str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[RunSeen]:
        """The newest first; `after` is the id of the run before the first of them."""
        wanted: dict[str, Any] = {
            "tags": [{"key": key, "value": value} for key, value in {**self._own, **(tags or {})}.items()]
        }
        if phases:
            wanted["statuses"] = [status for phase in phases for status in STATUSES[phase]]
        if job is not None:
            wanted["pipelineName"] = job
        if since is not None:
            wanted["createdAfter"] = since.timestamp()
        if until is not None:
            wanted["createdBefore"] = until.timestamp()
        answer = (await self._ask(_RUNS, {"filter": wanted, "cursor": after, "limit": limit}))["runsOrError"]
        if answer["__typename"] != "Runs":
            raise DagsterUnavailable(f"Dagster can't list runs: {answer.get('message')}")
        return [_run(run) for run in answer["results"]]

    async def events(self, run_id: str, cursor: str | None, limit: int = 500) -> EventBatch:
        data = await self._ask(_EVENTS, {"id": run_id, "cursor": cursor, "limit": limit})
        answer, run = data["logsForRun"], data["runOrError"]
        match answer["__typename"]:
            case "EventConnection" if run and self._is_here(run):
                events = [_event(one) for one in answer["events"]]
                return EventBatch(events, answer["cursor"], answer["hasMore"], _PHASES[run["status"]])
            case "EventConnection" | "RunNotFoundError" | "PipelineRunNotFoundError":
                raise NoSuchRun(run_id)
        raise DagsterUnavailable(f"Dagster can't show the events of {run_id}: {answer.get('message')}")

    async def cancel(self, run_id: str) -> None:
        """Ends a run that waits, and tells one that is under way to end."""
        answer = (await self._ask(_TERMINATE, {"id": run_id}))["terminateRun"]
        if answer["__typename"] == "RunNotFoundError":
            raise NoSuchRun(run_id)
        if answer["__typename"] != "TerminateRunSuccess":
            raise CancelRefused(str(answer.get("message") or answer["__typename"])[:500])

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @property
    def _own(self) -> dict[str, str]:
        """Dagster gives every run the tag of its code location."""
        return {"dagster/code_location": self.location}

    def _is_here(self, run: Mapping[str, Any]) -> bool:
        return any(tag["value"] == self._own.get(tag["key"]) for tag in run["tags"])

    async def _ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        import httpx2

        if self._client is None:
            timeout = httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
            self._client = httpx2.AsyncClient(timeout=timeout, transport=self.transport, trust_env=False)
        try:
            answer = await self._client.post(f"{self.url}/graphql", json={"query": query, "variables": variables})
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise DagsterUnavailable(f"Dagster does not answer at {self.url} ({error})", was_sent=False) from error
        except httpx2.HTTPError as error:
            raise DagsterUnavailable(f"Dagster at {self.url} broke off ({type(error).__name__})") from error
        try:
            content = answer.json()
        except ValueError:
            raise DagsterUnavailable(f"{self.url} is not Dagster, or refuses us: {answer.status_code}") from None
        if not isinstance(content, dict) or content.get("data") is None:
            raise DagsterUnavailable(f"Dagster did not understand the request: {str(content)[:500]}")
        return content["data"]


def _run(found: Mapping[str, Any]) -> RunSeen:
    created = _at(found["creationTime"])
    assert created is not None, "every run was created"
    return RunSeen(
        found["runId"],
        found["jobName"],
        _PHASES[found["status"]],
        created,
        _at(found["startTime"]),
        _at(found["endTime"]),
        {tag["key"]: tag["value"] for tag in found["tags"]},
        tuple(
            StepSeen(
                step["stepKey"],
                _STEP_PHASES.get(step["status"] or "", RunPhase.QUEUED),
                _at(step["startTime"]),
                _at(step["endTime"]),
            )
            for step in found.get("stepStats", ())
        ),
    )


def _event(found: Mapping[str, Any]) -> RawEvent:
    path = (found.get("assetKey") or {}).get("path")
    error = (found.get("error") or {}).get("message")
    return RawEvent(
        found["__typename"],
        datetime.fromtimestamp(int(found["timestamp"]) / 1000, UTC),
        found["level"].lower(),
        found["stepKey"],
        error or found["message"],
        "/".join(path) if path else None,
        found.get("partition"),
    )


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
