"""The description of the shop's API is true: what it allows is answered as it says, one request after another too."""

from typing import Any

import pytest
import schemathesis
from schemathesis import GenerationMode

from vending_platform.service.web import openapi_of
from vending_platform_tests.service.described import NO_FAULT, check_every_operation, operations_of, walk
from vending_platform_tests.service.shop.shops import ShopServer

pytestmark = pytest.mark.usefixtures("mariadb")


@pytest.fixture
def schema(shop: ShopServer) -> Any:
    schema: Any = schemathesis.openapi.from_dict(openapi_of(shop.app))
    schema.config.update(base_url=shop.address)
    return schema


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_answers_as_it_is_described(shop: ShopServer, schema: Any, mode: GenerationMode) -> None:
    tried = check_every_operation(schema, mode, 4, lambda case: case.validate_response(case.call(), checks=NO_FAULT))
    assert tried == operations_of(openapi_of(shop.app))
    assert len(tried) >= 17


def test_what_one_request_made_the_next_ones_find(schema: Any) -> None:
    walk(schema, 6, 8, lambda case, response: case.validate_response(response, checks=NO_FAULT))
