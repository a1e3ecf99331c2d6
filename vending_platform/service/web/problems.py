"""Errors as a client gets them: `application/problem+json` (RFC 9457), one sentence each, and what to do."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from vending_platform.alerts import without_secrets
from vending_platform.errors import ConfigurationError, NotAllowed, PlatformError, is_transient

PROBLEM_JSON = "application/problem+json"
_log = logging.getLogger(__name__)
_FAULT = "this is a fault of the service: its log has the details under the request's id"
_SECONDS_UNTIL_RETRY = 5
_INPUTS_NAMED = 20


class InvalidInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    where: str = Field(description="The part of the request, such as `body.exports.0` or `query.limit`.")
    problem: str


class ProblemDetails(BaseModel):
    """What went wrong, in one sentence, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Stable: a program may go by it.")
    title: str
    status: int
    detail: str
    request_id: str
    invalid: list[InvalidInput] = Field(default=[], description="What of the request is not valid.")


class HttpProblem(Exception):
    """Ends a request with this status; `kind` is the last word of the problem's type."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        invalid: Sequence[InvalidInput] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.headers, self.invalid = dict(headers or {}), list(invalid)


def not_found(what: str) -> HttpProblem:
    return HttpProblem(HTTPStatus.NOT_FOUND, "not-found", what)


def unavailable(what: str, *, seconds: int = _SECONDS_UNTIL_RETRY) -> HttpProblem:
    return HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", what, headers={"Retry-After": str(seconds)})


def problem_response(problem: HttpProblem, request_id: str) -> Response:
    details = ProblemDetails(
        type=f"urn:problem:{problem.kind}",
        title=problem.status.phrase,
        status=problem.status,
        detail=problem.detail,
        request_id=request_id,
        invalid=problem.invalid,
    )
    content = json.dumps(details.model_dump(), ensure_ascii=False).encode(errors="replace")
    return Response(content, problem.status, problem.headers, PROBLEM_JSON)


def problem_of(error: Exception) -> HttpProblem:
    """What an answer shows of an error. What is a fault of ours is logged in full, and only named to the client."""
    match error:
        case HttpProblem():
            return error
        case RequestValidationError():
            return HttpProblem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid",
                "the request is not valid: correct what is listed under `invalid`",
                invalid=[_invalid(one) for one in error.errors()[:_INPUTS_NAMED]],
            )
        case HTTPException(__cause__=HttpProblem() as cause):  # FastAPI takes whatever ends the reading of a body for a
            return cause  # body that is not right
        case HTTPException():
            status = HTTPStatus(error.status_code)
            kind = status.phrase.lower().replace(" ", "-")
            return HttpProblem(status, kind, _detail_of(status, error), headers=error.headers)
        case PlatformError() if is_transient(error):
            _log.warning("unavailable: %s", error)
            return unavailable(f"{without_secrets(str(error))}: try again later")
        case NotAllowed():
            return HttpProblem(HTTPStatus.CONFLICT, "not-allowed", without_secrets(str(error)))
        case ConfigurationError():
            return HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", without_secrets(str(error)))
        case PlatformError():
            _log.warning("refused by what the service stands on: %s", error)
            return HttpProblem(HTTPStatus.BAD_GATEWAY, "refused", without_secrets(str(error)))
        case OSError():
            _log.error("a file or the network failed", exc_info=error)
            return unavailable("the service can't read what it needs at the moment: try again later")
    _log.error("a request failed", exc_info=error)
    return HttpProblem(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", _FAULT)


def handle_problems(app: FastAPI) -> None:
    """Whatever is raised below becomes a problem. A fault is handled by the outermost middleware, which calls
    `problem_of` itself."""

    async def respond(request: Request, error: Exception) -> Response:
        return problem_response(problem_of(error), request.state.request_id)

    for kind in (HttpProblem, RequestValidationError, HTTPException, PlatformError, OSError):
        app.add_exception_handler(kind, respond)


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: these statuses, each as a problem."""
    return {
        int(status): {"description": status.phrase, "content": {PROBLEM_JSON: {"schema": _SCHEMA}}}
        for status in statuses
    }


_SCHEMA = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
COMMON_PROBLEMS = responses(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
"""What any endpoint for callers who have logged in may answer."""


def _invalid(error: Mapping[str, Any]) -> InvalidInput:
    """Without the value itself: it may be a secret that was pasted into the wrong field."""
    return InvalidInput(where=".".join(str(part) for part in error["loc"])[:200], problem=str(error["msg"])[:500])


def _detail_of(status: HTTPStatus, error: HTTPException) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return "there is nothing at this address: /api/openapi.json lists what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return "this address does not take that method: the header Allow lists those that it takes"
        case HTTPStatus.BAD_REQUEST:
            return "the body is not valid JSON"
    return str(error.detail)
