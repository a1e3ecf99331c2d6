"""The pipeline's application: its endpoints, and the dashboard's page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from vending_platform.opening import Platform
from vending_platform.service.connections import connection_endpoints
from vending_platform.service.login import Access
from vending_platform.service.pipeline.dagster_api import DagsterApi
from vending_platform.service.pipeline.dashboard import add_dashboard
from vending_platform.service.pipeline.data_endpoints import data_endpoints
from vending_platform.service.pipeline.file_endpoints import file_endpoints
from vending_platform.service.pipeline.page_endpoints import page_endpoints
from vending_platform.service.pipeline.run_endpoints import run_endpoints
from vending_platform.service.pipeline.shared import PipelineParts
from vending_platform.service.web import new_app
from vending_platform.service.web.session_endpoints import session_endpoints


def create_app(
    platform: Platform,
    access: Access,
    dagster: DagsterApi,
    ui_url: str | None = None,
    stream_seconds: float | None = None,
) -> FastAPI:
    """`ui_url` is where people see Dagster. A stream of events ends after `stream_seconds`, and its reader comes back:
    for where a response is sent only when it is whole."""
    pipeline = PipelineParts(platform, dagster, ui_url, stream_seconds)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        yield
        await dagster.close()

    app = new_app("The pipeline", access.settings, readiness=[pipeline.not_ready], running=running)
    app.state.pipeline = pipeline
    for endpoints in (run_endpoints, file_endpoints, data_endpoints, page_endpoints):
        app.include_router(endpoints(pipeline))
    app.include_router(connection_endpoints(platform, access.settings))
    app.include_router(session_endpoints(access.keys))
    add_dashboard(app)
    return app
