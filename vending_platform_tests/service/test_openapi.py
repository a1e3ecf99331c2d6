"""The description of the API is true: whatever it allows is answered as it says, one request after another too."""

from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis import GenerationMode

from vending_platform.service.pipeline import following
from vending_platform.service.web import openapi_of
from vending_platform_tests.service.conftest import ADDRESS
from vending_platform_tests.service.described import (
    AS_DESCRIBED,
    NO_FAULT,
    check_every_operation,
    operations_of,
    walk,
)


@pytest.fixture
def schema(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(following, "_BETWEEN_LOOKS", 0.01)
    app.state.pipeline.stream_seconds = 0.05
    schema: Any = schemathesis.openapi.from_dict(openapi_of(app))
    schema.app = app
    schema.config.update(base_url=ADDRESS)
    return schema


def check_answer(case: Any, response: Any) -> None:
    """It is as it is described. That a file or Dagster is not there at the moment is no fault."""
    is_away = response.status_code in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
    case.validate_response(response, checks=AS_DESCRIBED if is_away else NO_FAULT)


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_answers_as_it_is_described(app: FastAPI, schema: Any, mode: GenerationMode) -> None:
    tried = check_every_operation(schema, mode, 2, lambda case: check_answer(case, case.call(base_url=ADDRESS)))
    assert tried == operations_of(openapi_of(app))
    assert len(tried) >= 14


def test_what_one_request_made_the_next_ones_find(schema: Any) -> None:
    walk(schema, 3, 5, check_answer, base_url=ADDRESS)
