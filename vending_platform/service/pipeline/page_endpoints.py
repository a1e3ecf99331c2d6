"""What the dashboard's page reads, at the addresses where a static host has it: `data/` beside the page."""

import asyncio
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from vending_platform import dashboard
from vending_platform.lineage import lineage_graph
from vending_platform.service.pipeline.file_endpoints import FileName, Name
from vending_platform.service.pipeline.shared import PipelineParts
from vending_platform.service.web import COMMON_PROBLEMS, ReadingCaller, not_found, responses
from vending_platform.service.web.downloads import download_response
from vending_platform.status import read_quality

_API = "api/"
"""Where the API is, as seen from the page."""


def page_endpoints(pipeline: PipelineParts) -> APIRouter:
    """A page may read these files with the permission to read; to fetch exports for other uses is another one."""
    endpoints = APIRouter(prefix=f"/{dashboard.DATA}", tags=["page"], responses=COMMON_PROBLEMS)

    @endpoints.get("/manifest.json", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_manifest(caller: ReadingCaller) -> Response:
        """Which files the page reads, all of one moment."""
        place = pipeline.platform.context.storage.processed
        try:
            manifest = await asyncio.to_thread(dashboard.page_manifest, place, api=_API)
        except dashboard.NoDashboard as error:
            raise not_found(str(error)) from None
        return Response(manifest.as_json(), media_type="application/json")

    @endpoints.get("/quality.json")
    async def show_page_quality(caller: ReadingCaller) -> Response:
        """How far the data can be trusted, as the page reads it."""
        quality, _ = await asyncio.to_thread(read_quality, pipeline.platform)
        return Response(quality.as_json() if quality is not None else "null", media_type="application/json")

    @endpoints.get("/lineage.json")
    async def show_page_lineage(caller: ReadingCaller) -> Response:
        """What each column is made of, as the page reads it."""
        platform = pipeline.platform
        graph = await asyncio.to_thread(lineage_graph, platform.environment, platform.manifest, platform.catalog)
        return Response(dashboard.page_lineage(graph), media_type="application/json")

    @endpoints.get(
        "/{name}/{file}",
        response_class=Response,
        responses={
            **responses(HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
            200: {"description": "The file.", "content": {"application/octet-stream": {}}},
            206: {"description": "The range that was asked for.", "content": {"application/octet-stream": {}}},
        },
    )
    async def show_page_file(request: Request, caller: ReadingCaller, name: Name, file: FileName) -> Response:
        """A file of an export with `format: dashboard`, or the range of it that is asked for."""
        if name not in pipeline.page_exports:
            raise not_found(f"{name} is not an export of the dashboard: /api/pipeline/latest lists all exports")
        return download_response(request, await asyncio.to_thread(pipeline.exports.file, name, file))

    return endpoints
