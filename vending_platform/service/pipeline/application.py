"""The pipeline's application: its endpoints, and the dashboard's page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from vending_platform.opening import Platform
from vending_platform.service.pipeline.dagster_api import DagsterApi
from vending_platform.service.pipeline.dashboard import add_dashboard
from vending_platform.service.pipeline.data_endpoints import data_endpoints
from vending_platform.service.pipeline.file_endpoints import file_endpoints
from vending_platform.service.pipeline.run_endpoints import run_endpoints
from vending_platform.service.pipeline.shared import Pipeline
from vending_platform.service.web import WebSettings, new_app


def create_app(platform: Platform, settings: WebSettings, dagster: DagsterApi, ui_url: str | None = None) -> FastAPI:
    pipeline = Pipeline(platform, dagster, ui_url)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        yield
        await dagster.close()

    app = new_app("The pipeline", settings, readiness=[pipeline.not_ready], running=running)
    app.state.pipeline = pipeline
    for endpoints in (run_endpoints, file_endpoints, data_endpoints):
        app.include_router(endpoints(pipeline))
    add_dashboard(app)
    return app
