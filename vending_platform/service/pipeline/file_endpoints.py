"""The newest exports and their files."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from vending_platform.service.pipeline.exports import FILES
from vending_platform.service.pipeline.models import ExportVersion, LatestExports
from vending_platform.service.pipeline.shared import PipelineParts
from vending_platform.service.web import COMMON_PROBLEMS, DownloadingCaller, ReadingCaller, responses
from vending_platform.service.web.downloads import download_response

Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,128}$", description="The export's.")]
FileName = Annotated[
    str, Path(pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,254}$", description="As the version lists it.")
]


def file_endpoints(pipeline: PipelineParts) -> APIRouter:
    endpoints = APIRouter(tags=["exports"], responses=COMMON_PROBLEMS)

    @endpoints.get("/api/pipeline/latest")
    async def show_latest(caller: ReadingCaller) -> LatestExports:
        """The newest whole version of every export, with all of its files."""
        versions = await asyncio.to_thread(pipeline.exports.versions)
        published = {version.name for version in versions}
        missing = [name for name in pipeline.exports.names if name not in published]
        return LatestExports(as_of=datetime.now(UTC), exports=versions, not_published=missing)

    @endpoints.get("/api/exports/{name}", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_export(caller: ReadingCaller, name: Name) -> ExportVersion:
        """The newest whole version of one export."""
        return await asyncio.to_thread(pipeline.exports.version, name)

    file_responses = {
        **responses(HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
        200: {"description": "The file.", "content": {"application/octet-stream": {}}},
        206: {"description": "The range that was asked for.", "content": {"application/octet-stream": {}}},
        304: {"description": "The client has it: its tag is the sha256 of the file."},
        307: {"description": "It is in S3: the address works for 15 minutes."},
    }

    @endpoints.head(FILES, response_class=Response, include_in_schema=False)
    @endpoints.get(FILES, response_class=Response, responses=file_responses)
    async def fetch_file(
        request: Request,
        caller: DownloadingCaller,
        name: Name,
        file: FileName,
        redirect: Annotated[bool, Query(description="Whether S3 may send it; if not, it comes from here.")] = True,
    ) -> Response:
        """A file that never changes; whole, or the range that is asked for."""
        download = await asyncio.to_thread(pipeline.exports.file, name, file)
        if redirect and (link := await asyncio.to_thread(pipeline.exports.link, name, file)) is not None:
            return RedirectResponse(link, HTTPStatus.TEMPORARY_REDIRECT, headers={"Cache-Control": "no-store"})
        return download_response(request, download)

    return endpoints
