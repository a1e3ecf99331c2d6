"""Files over HTTP: ranges, and tags by which a client knows that it has a file already (RFC 9110)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from vending_platform.service.web.problems import HttpProblem

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
_FOR_EVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True)
class Download:
    """A file whose content never changes under its tag; `read` gives the bytes from one position up to another."""

    name: str
    size: int
    tag: str
    media_type: str
    modified_at: datetime
    read: Callable[[int, int], Iterator[bytes]]


def download_response(request: Request, file: Download) -> Response:
    """The file or the part of it that is asked for; 304 where the client has it."""
    tag = f'"{file.tag}"'
    headers = {
        "ETag": tag,
        "Last-Modified": format_datetime(file.modified_at, usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": _FOR_EVER,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
    }
    if _is_known(request.headers.get("if-none-match"), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    span = _span(request, tag, file.size)
    status = HTTPStatus.OK
    if span is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{file.size}"
    start, end = span or (0, file.size)
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=file.media_type)
    return StreamingResponse(file.read(start, end), status, headers, file.media_type)


def _is_known(sent: str | None, tag: str) -> bool:
    if sent is None:
        return False
    return sent.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in sent.split(","))


def _span(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """From where up to before where; None for all of it, which is also the answer to several ranges at once."""
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    condition = request.headers.get("if-range")
    if found is None or (condition is not None and condition.strip() != tag):
        return None
    if found[3] is not None:
        start, end = max(0, size - int(found[3])), size
    else:
        start = int(found[1])
        end = min(size, int(found[2]) + 1) if found[2] else size
    if found[2] and int(found[2]) < int(found[1]):
        return None  # not a range at all: RFC 9110 has it ignored
    if start >= size or start >= end:
        raise HttpProblem(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "range-not-satisfiable",
            f"the file has {size:,} bytes, and none of that range",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, end
