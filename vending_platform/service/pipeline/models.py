"""What the pipeline API accepts and what it answers."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from vending_platform.quality import Quality

ExportName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,128}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExportOrder(_Body):
    """What to bring up to date; an empty object means everything."""

    exports: list[ExportName] | None = Field(
        None, min_length=1, max_length=100, description="Only these exports; by default all of them."
    )
    first_day: date | None = Field(
        None,
        description="With days, the run fails only if one of these is held back, because a check of its mart failed.",
    )
    last_day: date | None = Field(None, description="The last of these days.")
    load: bool = Field(
        True, description="Load new deliveries and build stale marts first. Without it, exports follow their marts."
    )

    @model_validator(mode="after")
    def _days_are_in_order(self) -> Self:
        if self.first_day is not None and self.last_day is not None and self.first_day > self.last_day:
            raise ValueError(f"first_day {self.first_day} is after last_day {self.last_day}")
        return self


class RunPhase(StrEnum):
    NOT_STARTED = "not_started"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_over(self) -> bool:
        return self in (RunPhase.SUCCEEDED, RunPhase.FAILED, RunPhase.CANCELED)


class RunLinks(_Body):
    """Where more about a run is; paths of this API."""

    run: str
    events: str
    cancel: str
    dagster: str | None = Field(description="The run in Dagster's UI, where that is known.")


class PipelineRun(_Body):
    id: str
    job: str
    phase: RunPhase
    requested_by: str | None = Field(description="Who asked for it; null where a schedule or a sensor did.")
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    order: ExportOrder | None = Field(description="What was asked for, if it was asked for through this API.")
    links: RunLinks


class RunSteps(PipelineRun):
    """A run, and how far each of its steps is."""

    steps: list["RunStep"]
    problem: str | None = Field(description="Why it failed, in words.")


class RunStep(_Body):
    name: str
    phase: RunPhase
    started_at: datetime | None
    ended_at: datetime | None


class RunPage(_Body):
    """A page of the history, the newest first."""

    runs: list[PipelineRun]
    next: str | None = Field(description="The value of `after` for the next page; null on the last one.")


class AcceptedRun(_Body):
    """The run that an order made, or had made before."""

    run_id: str
    is_repeated: bool = Field(description="Whether an equal request with this Idempotency-Key had made it already.")
    links: RunLinks


class RunEvent(_Body):
    """One event of a run, as the `data` of a server-sent event."""

    at: datetime
    kind: "RunEventKind"
    level: str
    step: str | None
    text: str
    phase: RunPhase | None = Field(None, description="Of a `phase` event: what the run, or the step, is now.")
    progress: "RunProgress | None" = Field(None, description="Of a `progress` event.")
    asset: str | None = Field(None, description="Of an `asset` event: what was made.")
    partition: str | None = Field(None, description="Of an `asset` event: the business day or month.")


class RunEventKind(StrEnum):
    PHASE = "phase"
    """The run, or a step of it, began or ended."""
    PROGRESS = "progress"
    MESSAGE = "message"
    ASSET = "asset"
    END = "end"
    """The last event of a run; the stream ends with it."""


class RunProgress(_Body):
    done: int
    total: int


class NeedsAPerson(_Body):
    """Something that needs a person."""

    what: str
    items: list[str] = Field(description="The first of them.")
    count: int
    todo: str | None = Field(description="What to do about it.")


class MissingDelivery(_Body):
    source: str
    sender: str
    day: str = Field(description="The business day, or month, that it is missing for.")


class DataState(_Body):
    """What there is of data, as of `as_of`."""

    as_of: datetime
    is_being_written: bool = Field(description="A run is writing: then all this is as of before it.")
    stale_days: list[date] = Field(description="Business days whose marts are older than their deliveries.")
    stale_as_of: datetime | None = Field(description="When that was known last; null: never yet.")
    missing: list[MissingDelivery] = Field(description="Deliveries that were due and did not come; 1,000 at most.")
    missing_count: int
    needs_a_person: bool
    open_points: list[NeedsAPerson]


class PipelineStatus(_Body):
    domain: str
    environment: str
    as_of: datetime = Field(description="When the runs were looked at.")
    dagster_is_up: bool = Field(description="If not, the runs are as they were last seen, and none can be started.")
    running: list[PipelineRun]
    queued: list[PipelineRun]
    last: PipelineRun | None = Field(description="The run that ended last.")
    run: RunSteps | None = Field(description="The run that `?run=` names.")
    data: DataState


class ExportColumnInfo(_Body):
    name: str
    type: str
    column: str | None = Field(None, description="The mart's column, where it is called otherwise.")


class ExportedFile(_Body):
    name: str
    day: str | None
    split: str | None
    rows: int
    bytes: int
    sha256: str
    suppressed_rows: int
    checks_passed: bool
    url: str = Field(description="Where to fetch it; a path of this API, or an address in S3 that works for a while.")


class ExportVersion(_Body):
    """The newest whole version of one export: these files and no others."""

    name: str
    model: str
    description: str
    owner: str
    audience: str
    format: str
    encoding: str | None
    columns: list[ExportColumnInfo]
    run_id: str = Field(description="The run that published this version.")
    published_at: datetime
    version: str = Field(description="Changes whenever a file does.")
    rows: int
    bytes: int
    files: list[ExportedFile]


class LatestExports(_Body):
    as_of: datetime
    exports: list[ExportVersion]
    not_published: list[str] = Field(description="Exports that are declared and were never published.")


class QualityAnswer(_Body):
    is_being_written: bool = Field(description="A run is writing: then it is as the last one left it.")
    quality: Quality | None = Field(description="Null until a first run has recorded something.")


class ColumnNode(_Body):
    schema_name: str = Field(serialization_alias="schema")
    table: str
    column: str


class ColumnEdge(_Body):
    """`target` is made of `source`."""

    source: ColumnNode
    target: ColumnNode


class ColumnLineage(_Body):
    """What a column is made of (`upstream`) or what is made of it (`downstream`), as far as it goes."""

    of: ColumnNode
    direction: str
    columns: list[ColumnNode]
    edges: list[ColumnEdge]
