"""What the endpoints of the pipeline share."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from vending_platform.catalog import Format
from vending_platform.opening import Platform
from vending_platform.service.pipeline.dagster_api import DagsterApi
from vending_platform.service.pipeline.exports import PublishedExports
from vending_platform.service.pipeline.lineage_view import LineageView
from vending_platform.service.pipeline.orders import Orders
from vending_platform.service.pipeline.state import PipelineState


@dataclass
class PipelineParts:
    """Making one opens nothing: the first request that needs something does."""

    platform: Platform
    dagster: DagsterApi
    ui_url: str | None
    """Where people see Dagster."""
    stream_seconds: float | None = None
    state: PipelineState = field(init=False)
    orders: Orders = field(init=False)
    exports: PublishedExports = field(init=False)
    lineage: LineageView = field(init=False)
    is_stopping: bool = False
    """Then streams end, so that the process can."""

    def __post_init__(self) -> None:
        self.state = PipelineState(self.platform, self.dagster)
        self.orders = Orders(self.dagster, lambda: self.platform.context.storage.work)
        self.exports = PublishedExports(self.platform)
        self.lineage = LineageView(self.platform)

    @cached_property
    def page_exports(self) -> frozenset[str]:
        """The exports that the dashboard's page reads."""
        exports = self.platform.catalog.exports
        return frozenset(export.name for export in exports if export.format is Format.DASHBOARD)

    def stream_ends(self) -> Callable[[], bool]:
        """Whether a stream that begins now has to end."""
        ends = None if self.stream_seconds is None else time.monotonic() + self.stream_seconds
        return lambda: self.is_stopping or (ends is not None and time.monotonic() >= ends)

    def not_ready(self) -> str | None:
        runs = self.state.runs.last
        return None if runs is None or runs.dagster_is_up else "Dagster does not answer: no run can be started"
