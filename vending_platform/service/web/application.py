"""A new application with the manners that all of them have."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from vending_platform.service.web.callers import Doorkeeper, LoginMethod, ReadingCaller
from vending_platform.service.web.limits import CallRate, Limited, RequestLimits
from vending_platform.service.web.observing import Observed, RequestMetrics
from vending_platform.service.web.problems import ProblemDetails, handle_problems, unavailable
from vending_platform.service.web.protecting import LOOPBACK, Protected, StrictHeaders

Readiness = Callable[[], "str | None"]
"""Why a part of the service is not ready; None if it is."""


@dataclass(frozen=True)
class WebSettings:
    """How an application is reached, and by whom."""

    logins: Sequence[LoginMethod]
    hosts: Iterable[str] = LOOPBACK
    """The host names that it is served under."""
    is_encrypted: bool = False
    """Whether people reach it by HTTPS only."""
    limits: RequestLimits = field(default_factory=RequestLimits)


class ServiceHealth(BaseModel):
    status: str
    not_ready: list[str] = []


def new_app(
    title: str,
    settings: WebSettings,
    *,
    readiness: Sequence[Readiness] = (),
    running: Callable[[], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """`running` lasts as long as the application is served by a server; in Lambda, which has no such time, it is not
    entered, and nothing may depend on it but tidying up."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if running is None:
            yield
        else:
            async with running():
                yield

    app = FastAPI(
        title=title,
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    metrics = RequestMetrics()
    limits = settings.limits
    app.state.doorkeeper = Doorkeeper(settings.logins, CallRate(limits.per_second, limits.burst))
    handle_problems(app)
    # The last that is added is the outermost.
    app.add_middleware(Limited, limits=limits)
    app.add_middleware(Protected, hosts=settings.hosts)
    app.add_middleware(Observed, metrics=metrics)
    app.add_middleware(StrictHeaders, is_encrypted=settings.is_encrypted)
    _add_own_endpoints(app, metrics, readiness)
    return app


def _add_own_endpoints(app: FastAPI, metrics: RequestMetrics, readiness: Sequence[Readiness]) -> None:
    @app.get("/healthz", tags=["service"])
    async def is_alive() -> ServiceHealth:
        """Whether the process answers."""
        return ServiceHealth(status="ok")

    @app.get("/readyz", tags=["service"])
    async def is_ready() -> ServiceHealth:
        """Whether everything that it needs answers too."""
        if reasons := [reason for check in readiness if (reason := check()) is not None]:
            raise unavailable("; ".join(reasons))
        return ServiceHealth(status="ok")

    @app.get("/metrics", include_in_schema=False)
    async def show_metrics(caller: ReadingCaller) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/openapi.json", include_in_schema=False)
    async def describe(caller: ReadingCaller) -> dict[str, Any]:
        return openapi_of(app)


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The description of the API, made once."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, openapi_version="3.1.0", routes=app.routes)
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(_own_schemas())
        app.openapi_schema = described
    return app.openapi_schema


def _own_schemas() -> dict[str, Any]:
    """Problems are made by no endpoint, so FastAPI does not know them."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), ProblemDetails.__name__: schema}


def _operation_id(route: APIRoute) -> str:
    return route.name
