"""Who calls, and what they may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Protocol

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from vending_platform.service.web.limits import CallRate
from vending_platform.service.web.problems import HttpProblem


class Permission(StrEnum):
    READ = "read"
    """See status, history, quality, lineage."""
    RUN = "run"
    """Start and cancel runs."""
    DOWNLOAD = "download"
    """Fetch exported files."""
    WRITE = "write"
    """Create and change what is one's own."""
    MANAGE = "manage"
    """See and change what is anyone's."""
    CONNECT = "connect"
    """Connect services, and disconnect them."""


ALL_PERMISSIONS = frozenset({Permission.READ, Permission.RUN, Permission.DOWNLOAD, Permission.CONNECT})
"""Of the pipeline; an application that has others names them."""


class LoginKind(StrEnum):
    LOOPBACK = "loopback"
    KEY = "key"
    TOKEN = "token"
    SESSION = "session"


@dataclass(frozen=True)
class ApiCaller:
    """`id` stays the same whatever a caller is called; both stand in logs and in the tags of runs."""

    id: str
    name: str
    permissions: frozenset[Permission]
    login: LoginKind
    csrf_token: str | None = None
    """What a session has to repeat with every change."""
    acts_for: str | None = None
    """Whose data it reaches without `manage`; None: no one's."""


class LoginMethod(Protocol):
    """One way to log in."""

    async def caller(self, request: Request) -> ApiCaller | None:
        """Who it is; None where the request has nothing of this kind; HttpProblem 401 where that is not valid."""


@dataclass(frozen=True)
class Loopback(LoginMethod):
    """On a laptop everyone who reaches the service may do everything: it listens on this machine only."""

    permissions: frozenset[Permission] = ALL_PERMISSIONS

    async def caller(self, request: Request) -> ApiCaller | None:
        return ApiCaller("loopback", "this machine", self.permissions, LoginKind.LOOPBACK)


def bearer_of(request: Request) -> str | None:
    """What is sent as `Authorization: Bearer …`."""
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    return sent.strip() if kind.lower() == "bearer" and sent.strip() else None


def unauthorized(detail: str) -> HttpProblem:
    return HttpProblem(
        HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="vending"'}
    )


class Doorkeeper:
    """Lets in who has logged in, may do what is asked, and does not ask too often."""

    def __init__(self, logins: Sequence[LoginMethod], rate: CallRate) -> None:
        self._logins, self._rate = logins, rate

    async def let_in(self, request: Request, needed: Sequence[str]) -> ApiCaller:
        try:
            caller = await self._caller(request)
        except HttpProblem:
            self._refuse_too_many(f"address:{request.client.host if request.client else ''}")
            raise
        request.state.caller = caller
        self._refuse_too_many(caller.id)
        if missing := [name for name in needed if name not in caller.permissions]:
            raise HttpProblem(
                HTTPStatus.FORBIDDEN,
                "missing-permission",
                f"{caller.name} may not do that: it needs the permission {' and '.join(missing)}",
            )
        return caller

    async def _caller(self, request: Request) -> ApiCaller:
        for login in self._logins:
            if (caller := await login.caller(request)) is not None:
                return caller
        raise unauthorized("log in first: send an API key as `Authorization: Bearer KEY`")

    def _refuse_too_many(self, who: str) -> None:
        if (waits := self._rate.take(who)) > 0:
            raise HttpProblem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too-many-requests",
                "too many requests from here: wait for as long as the header Retry-After gives",
                headers={"Retry-After": str(int(waits) + 1)},
            )


_BEARER = HTTPBearer(
    auto_error=False, scheme_name="login", description="An API key, or a token of the identity provider."
)


async def _let_in(
    request: Request, needed: SecurityScopes, _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
) -> ApiCaller:
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    return await doorkeeper.let_in(request, needed.scopes)


AnyCaller = Annotated[ApiCaller, Security(_let_in)]
ReadingCaller = Annotated[ApiCaller, Security(_let_in, scopes=[Permission.READ.value])]
RunningCaller = Annotated[ApiCaller, Security(_let_in, scopes=[Permission.RUN.value])]
DownloadingCaller = Annotated[ApiCaller, Security(_let_in, scopes=[Permission.DOWNLOAD.value])]
WritingCaller = Annotated[ApiCaller, Security(_let_in, scopes=[Permission.WRITE.value])]
ManagingCaller = Annotated[ApiCaller, Security(_let_in, scopes=[Permission.MANAGE.value])]
ConnectingCaller = Annotated[ApiCaller, Security(_let_in, scopes=[Permission.CONNECT.value])]
"""The parameter of an endpoint that only such callers may use."""
