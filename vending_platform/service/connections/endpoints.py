"""Show, connect and disconnect services, and the way back from a service's page of consent."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from vending_platform.connections import (
    PAGE,
    ConsentEnd,
    ConsentFailed,
    Grant,
    ServiceConnection,
    begin,
    finish,
    open_connections,
)
from vending_platform.connections.consent import LASTS
from vending_platform.errors import PlatformError
from vending_platform.opening import Platform
from vending_platform.service.web import (
    COMMON_PROBLEMS,
    ConnectingCaller,
    ReadingCaller,
    WebSettings,
    not_found,
    responses,
)
from vending_platform.storage import Place

_FOLDER = FilePath(str(files("vending_platform.service.connections"))) / "page"
_FILES = {
    "": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
_API = f"/api/{PAGE}"
_COOKIE = "vending-consent"
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="The connection's.")]
Sent = Annotated[str | None, Query(max_length=4096)]


class ConnectionView(BaseModel):
    """A service that can be connected, as it is now. No token is in it."""

    model_config = ConfigDict(frozen=True)

    name: str
    service: str = Field(description="The host of the service.")
    is_connected: bool
    connected_at: datetime | None
    connected_by: str | None
    scopes: list[str] = Field(description="What it may do; before it is connected, what it would ask for.")
    ended: ConsentEnd | None = Field(description="Why it is no longer connected.")
    ended_at: datetime | None


class ConsentPage(BaseModel):
    """Where a person agrees: for the browser that asked for it, within ten minutes."""

    model_config = ConfigDict(frozen=True)

    url: str


class Disconnected(BaseModel):
    model_config = ConfigDict(frozen=True)

    was_revoked: bool = Field(description="Whether the service confirmed it; if not, it has no endpoint for that.")


def connection_endpoints(platform: Platform, settings: WebSettings) -> APIRouter:
    endpoints = APIRouter(tags=["connections"], responses=COMMON_PROBLEMS)
    cookie = f"__Host-{_COOKIE}" if settings.is_encrypted else _COOKIE
    scheme = "https" if settings.is_encrypted else "http"

    def work() -> Place:
        return platform.context.storage.work

    def opened() -> Mapping[str, ServiceConnection]:
        return open_connections(platform.environment, work())

    def connection_of(name: str) -> ServiceConnection:
        if name not in platform.environment.connections:
            raise not_found(f"there is no connection {name}: {_API} lists all of them")
        return opened()[name]

    @endpoints.get(_API)
    async def list_connections(caller: ReadingCaller) -> list[ConnectionView]:
        """Every service that can be connected, and whether it is."""
        return await asyncio.to_thread(lambda: [_view(one, one.state()) for one in opened().values()])

    @endpoints.post(f"{_API}/{{name}}/consent", responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))
    async def begin_consent(request: Request, response: Response, caller: ConnectingCaller, name: Name) -> ConsentPage:
        """Begin to connect a service: its page of consent, and a cookie without which no one can come back from it."""
        redirect = f"{scheme}://{request.headers['host']}/{PAGE}/{name}/callback"
        begun = await asyncio.to_thread(lambda: begin(connection_of(name), work(), redirect, caller.name))
        response.set_cookie(
            cookie,
            begun.browser.get_secret_value(),
            max_age=int(LASTS.total_seconds()),
            path="/",
            secure=settings.is_encrypted,
            httponly=True,
            samesite="lax",  # it has to come along on the way back from another site
        )
        return ConsentPage(url=begun.url)

    @endpoints.delete(
        f"{_API}/{{name}}", responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY)
    )
    async def disconnect(caller: ConnectingCaller, name: Name) -> Disconnected:
        """Give the tokens back to the service, and forget them."""
        was_revoked = await asyncio.to_thread(lambda: connection_of(name).disconnect())
        return Disconnected(was_revoked=was_revoked)

    @endpoints.get(f"/{PAGE}/{{name}}/callback", include_in_schema=False)
    async def come_back(
        request: Request, name: Name, state: Sent = None, code: Sent = None, error: Sent = None
    ) -> Response:
        """Needs no log-in, as the cookie of a session does not come along from another site; see `consent`."""
        browser = request.cookies.get(cookie, "")
        sent = SecretStr(code) if code else None
        connection = connection_of(name)

        def connect() -> str:
            try:
                finish(connection, work(), state=state or "", browser=browser, code=sent, refusal=error)
            except ConsentFailed as failed:
                return failed.why
            except PlatformError:
                return "unavailable"
            return "connected"

        outcome = await asyncio.to_thread(connect)
        query = urlencode({"service": name, "outcome": outcome})
        back = RedirectResponse(f"/{PAGE}?{query}", HTTPStatus.SEE_OTHER)
        back.delete_cookie(cookie, path="/", secure=settings.is_encrypted, httponly=True, samesite="lax")
        return back

    for address, (file, media_type) in _FILES.items():
        _add_file(endpoints, f"/{PAGE}{address}", _FOLDER / file, media_type)
    return endpoints


def _add_file(endpoints: APIRouter, address: str, file: FilePath, media_type: str) -> None:
    """Without a log-in: the page holds nothing but the program, and whatever it shows comes from the API."""

    @endpoints.get(address, include_in_schema=False)
    async def show_file() -> Response:
        return FileResponse(file, HTTPStatus.OK, {"Cache-Control": "no-cache"}, media_type)


def _view(connection: ServiceConnection, grant: Grant | None) -> ConnectionView:
    is_connected = grant is not None and grant.tokens is not None
    scopes = grant.scopes if grant is not None and is_connected else connection.provider.settings.scopes
    return ConnectionView(
        name=connection.name,
        service=urlsplit(connection.provider.settings.authorize).netloc,
        is_connected=is_connected,
        connected_at=grant.connected_at if grant is not None else None,
        connected_by=grant.connected_by if grant is not None else None,
        scopes=list(scopes),
        ended=grant.ended if grant is not None else None,
        ended_at=grant.ended_at if grant is not None else None,
    )
