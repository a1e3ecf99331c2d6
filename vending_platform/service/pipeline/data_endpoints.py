"""How far the data can be trusted, and where it comes from."""

import asyncio
from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from vending_platform.lineage import provenance
from vending_platform.lineage.provenance import NothingToTrace, Trace, WrongQuestion
from vending_platform.quality import Quality
from vending_platform.service.pipeline.lineage_view import Direction
from vending_platform.service.pipeline.models import ColumnLineage, QualityAnswer
from vending_platform.service.pipeline.shared import PipelineParts
from vending_platform.service.web import COMMON_PROBLEMS, HttpProblem, ReadingCaller, not_found, responses, unavailable
from vending_platform.status import read_quality
from vending_platform.warehouse import WarehouseBusy

_AT_ONCE = 2
"""Questions that read the warehouse; more than these wait for their turn."""
Table = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_]{1,100}(\.[A-Za-z0-9_]{1,128})?$", description="With its schema or without.")
]
Column = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,128}$")]


def data_endpoints(pipeline: PipelineParts) -> APIRouter:
    endpoints = APIRouter(tags=["data"], responses=COMMON_PROBLEMS)
    turns = asyncio.Semaphore(_AT_ONCE)

    @endpoints.get("/api/quality", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_quality(
        caller: ReadingCaller,
        day: Annotated[date | None, Query(description="As it stands for this business day.")] = None,
        dataset: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.]{1,230}$")] = None,
    ) -> QualityAnswer:
        """Scores, trends, what fails and why, down to file and line. What is personal is masked."""
        async with turns:
            found, is_being_written = await asyncio.to_thread(read_quality, pipeline.platform, day)
        if found is not None and dataset is not None and not _has(found, dataset):
            raise not_found(f"there is no dataset {dataset!r} in the history of checks")
        chosen = found.chosen(day, dataset) if found is not None else None
        return QualityAnswer(is_being_written=is_being_written, quality=chosen)

    @endpoints.get("/api/lineage/columns/{table}/{column}", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_lineage(
        caller: ReadingCaller, table: Table, column: Column, direction: Direction = "upstream"
    ) -> ColumnLineage:
        """What a column is made of, or what is made of it."""
        async with turns:
            return await asyncio.to_thread(pipeline.lineage.columns, table, column, direction)

    @endpoints.get("/api/lineage/trace/{table}", responses=responses(HTTPStatus.NOT_FOUND))
    async def trace_rows(
        caller: ReadingCaller,
        table: Table,
        where: Annotated[
            list[str],
            Query(min_length=1, max_length=20, description="Which rows: `column=value`, such as `day=2024-03-15`."),
        ],
        lines: Annotated[bool, Query(description="Also the lines of these files.")] = False,
    ) -> Trace:
        """The files that rows of a model come from."""
        conditions = [_condition(text) for text in where]
        async with turns:
            return await asyncio.to_thread(_trace, pipeline, table, conditions, lines)

    return endpoints


def _trace(pipeline: PipelineParts, table: str, conditions: list[tuple[str, str]], lines: bool) -> Trace:
    platform = pipeline.platform
    try:
        with platform.context.warehouse.reading() as reader:
            return provenance.trace(platform.catalog, reader, table, conditions, with_lines=lines)
    except NothingToTrace as error:
        raise not_found(str(error)) from None
    except WrongQuestion as error:
        raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(error)) from None
    except WarehouseBusy:
        raise unavailable(
            "a run is writing, and the warehouse can't be read meanwhile: try again later", seconds=10
        ) from None


def _condition(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign) or len(text) > 500:
        raise HttpProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "`where` is not a condition: write it as column=value"
        )
    return name, value


def _has(found: Quality, dataset: str) -> bool:
    names = {score.dataset for score in found.scores}
    return dataset.lower() in names | {name.split(".")[-1] for name in names}
