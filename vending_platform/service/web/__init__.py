"""What every application here shares, whatever it is about.

`new_app` makes an application with these manners: errors as `application/problem+json`, request ids, an access log
without personal data, metrics, health, limits, security headers and a strict content policy. A parameter of the type
`ReadingCaller` (and the like) lets only such callers use an endpoint.
"""

from vending_platform.service.web.application import WebSettings, new_app, openapi_of
from vending_platform.service.web.callers import (
    ALL_PERMISSIONS,
    AnyCaller,
    ApiCaller,
    ConnectingCaller,
    DownloadingCaller,
    LoginKind,
    LoginMethod,
    Loopback,
    ManagingCaller,
    Permission,
    ReadingCaller,
    RunningCaller,
    WritingCaller,
    unauthorized,
)
from vending_platform.service.web.last_known import LastKnown
from vending_platform.service.web.limits import RequestLimits
from vending_platform.service.web.problems import (
    COMMON_PROBLEMS,
    HttpProblem,
    InvalidInput,
    not_found,
    responses,
    unavailable,
)
from vending_platform.service.web.protecting import LOOPBACK, content_policy

__all__ = [
    "ALL_PERMISSIONS",
    "COMMON_PROBLEMS",
    "LOOPBACK",
    "AnyCaller",
    "ApiCaller",
    "ConnectingCaller",
    "DownloadingCaller",
    "HttpProblem",
    "InvalidInput",
    "LastKnown",
    "LoginKind",
    "LoginMethod",
    "Loopback",
    "ManagingCaller",
    "Permission",
    "ReadingCaller",
    "RequestLimits",
    "RunningCaller",
    "WebSettings",
    "WritingCaller",
    "content_policy",
    "new_app",
    "not_found",
    "openapi_of",
    "responses",
    "unauthorized",
    "unavailable",
]
