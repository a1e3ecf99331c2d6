"""The description of the API is true: whatever it allows is answered as it says, one request after another too."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from vending_platform.service.pipeline import following
from vending_platform.service.web import openapi_of
from vending_platform_tests.properties import EXAMPLES_FACTOR
from vending_platform_tests.service.conftest import ADDRESS

FEW: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate],
    "derandomize": EXAMPLES_FACTOR == 1,
}
AS_DESCRIBED: list[Any] = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def schema(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(following, "_BETWEEN_LOOKS", 0.01)
    app.state.pipeline.stream_seconds = 0.05
    schema: Any = schemathesis.openapi.from_dict(openapi_of(app))
    schema.app = app
    schema.config.update(base_url=ADDRESS)
    return schema


def check(case: Any) -> Any:
    """The response, which is as it is described. That a file or Dagster is not there at the moment is no fault."""
    response = case.call(base_url=ADDRESS)
    is_away = response.status_code in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
    case.validate_response(response, checks=AS_DESCRIBED if is_away else [not_a_server_error, *AS_DESCRIBED])
    return response


def trying(cases: Any, examples: int) -> Callable[[], None]:
    @settings(max_examples=examples * EXAMPLES_FACTOR, **FEW)
    @given(case=cases)
    def every(case: Any) -> None:
        check(case)

    return every


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_answers_as_it_is_described(app: FastAPI, schema: Any, mode: GenerationMode) -> None:
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        tried.add(operation.label)
        if mode is GenerationMode.NEGATIVE and not (list(operation.iter_parameters()) or operation.body):
            continue  # it takes nothing that could be wrong
        trying(operation.as_strategy(generation_mode=mode), 2)()
    described = openapi_of(app)["paths"]
    assert tried == {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert len(tried) >= 14


def test_what_one_request_made_the_next_ones_find(app: FastAPI, schema: Any) -> None:
    machine = schema.as_state_machine()

    class Walk(machine):  # type: ignore[misc, valid-type]
        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            is_away = response.status_code in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
            case.validate_response(response, checks=AS_DESCRIBED if is_away else [not_a_server_error, *AS_DESCRIBED])

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"base_url": ADDRESS}

    Walk.run(settings=settings(max_examples=3 * EXAMPLES_FACTOR, stateful_step_count=5, **FEW))
