"""Who is it, and the beginning and the end of a browser's session."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vending_platform.service.web.callers import AnyCaller, ApiCaller, LoginKind
from vending_platform.service.web.key_login import ApiKeys, end_session
from vending_platform.service.web.problems import COMMON_PROBLEMS, HttpProblem


class WhoIsIt(BaseModel):
    """Who the caller is, and what they may do here."""

    model_config = ConfigDict(frozen=True)

    name: str
    permissions: list[str]
    login: LoginKind = Field(description="How they are known.")
    csrf_token: str | None = Field(description="What a browser's session sends as `X-CSRF-Token` with every change.")


def session_endpoints(keys: ApiKeys | None) -> APIRouter:
    """Without keys there are no sessions to begin, and only the question who it is."""
    endpoints = APIRouter(tags=["session"], responses=COMMON_PROBLEMS)

    @endpoints.get("/api/me")
    async def who_am_i(caller: AnyCaller) -> WhoIsIt:
        """Who the caller is here."""
        return _described(caller)

    if keys is None:
        return endpoints

    @endpoints.post("/api/session", status_code=HTTPStatus.CREATED)
    async def log_in(caller: AnyCaller, request: Request, response: Response) -> WhoIsIt:
        """Begin a session with an API key: a cookie that only this browser sends, and only to this service."""
        if caller.login is not LoginKind.KEY:
            raise HttpProblem(HTTPStatus.FORBIDDEN, "no-session", "only an API key begins a session")
        return _described(await keys.begin_session(request, response))

    @endpoints.delete("/api/session", status_code=HTTPStatus.NO_CONTENT)
    async def log_out(caller: AnyCaller, response: Response) -> None:
        """End the session in this browser."""
        end_session(response)

    return endpoints


def _described(caller: ApiCaller) -> WhoIsIt:
    return WhoIsIt(
        name=caller.name,
        permissions=sorted(caller.permissions),
        login=caller.login,
        csrf_token=caller.csrf_token,
    )
