"""The description of the shop's API is true: what it allows is answered as it says, one request after another too."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from vending_platform.service.web import openapi_of
from vending_platform_tests.properties import EXAMPLES_FACTOR
from vending_platform_tests.service.shop.shops import ShopServer

pytestmark = pytest.mark.usefixtures("mariadb")
FEW: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate],
    "derandomize": EXAMPLES_FACTOR == 1,
}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def schema(shop: ShopServer) -> Any:
    schema: Any = schemathesis.openapi.from_dict(openapi_of(shop.app))
    schema.config.update(base_url=shop.address)
    return schema


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_answers_as_it_is_described(shop: ShopServer, schema: Any, mode: GenerationMode) -> None:
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        tried.add(operation.label)
        if mode is GenerationMode.NEGATIVE and not (list(operation.iter_parameters()) or operation.body):
            continue  # it takes nothing that could be wrong

        @settings(max_examples=4 * EXAMPLES_FACTOR, **FEW)
        @given(case=operation.as_strategy(generation_mode=mode))
        def every(case: Any) -> None:
            case.validate_response(case.call(), checks=CHECKS)

        every()
    described = openapi_of(shop.app)["paths"]
    assert tried == {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert len(tried) >= 17


def test_what_one_request_made_the_next_ones_find(shop: ShopServer, schema: Any) -> None:
    machine = schema.as_state_machine()

    class Walk(machine):  # type: ignore[misc, valid-type]
        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    Walk.run(settings=settings(max_examples=6 * EXAMPLES_FACTOR, stateful_step_count=8, **FEW))
