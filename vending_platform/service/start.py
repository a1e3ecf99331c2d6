"""An environment's application, made from its settings: for the server and for Lambda alike."""

from fastapi import FastAPI

from vending_platform.environment import Environment, SettingsError
from vending_platform.opening import open_platform
from vending_platform.service.login import access_to
from vending_platform.service.pipeline.application import create_app
from vending_platform.service.pipeline.dagster_api import DagsterApi


def pipeline_app(environment: Environment, stream_seconds: float | None = None) -> FastAPI:
    access = access_to(environment)
    dagster = DagsterApi(dagster_url_of(environment), environment.domain)
    return create_app(open_platform(environment), access, dagster, environment.ui_url, stream_seconds)


def dagster_url_of(environment: Environment) -> str:
    url = environment.service.dagster_url or environment.ui_url
    if url is None:
        raise SettingsError(
            f"{environment.name} has no Dagster: set VENDING_DAGSTER_URL to where its web server listens, such as"
            " http://operate:3000"
        )
    return url.rstrip("/")
