"""Whether an API answers as its description says: whatever request that it allows, and one request after another."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from vending_platform_tests.properties import EXAMPLES_FACTOR

AS_DESCRIBED: list[Any] = [status_code_conformance, content_type_conformance, response_schema_conformance]
NO_FAULT: list[Any] = [not_a_server_error, *AS_DESCRIBED]
_FEW: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate],
    "derandomize": EXAMPLES_FACTOR == 1,
}


def check_every_operation(schema: Any, mode: GenerationMode, examples: int, check: Callable[[Any], object]) -> set[str]:
    """Which operations there are; `check` sends one request of each kind, and looks at the answer."""
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        tried.add(operation.label)
        if mode is GenerationMode.NEGATIVE and not (list(operation.iter_parameters()) or operation.body):
            continue  # it takes nothing that could be wrong

        @settings(max_examples=examples * EXAMPLES_FACTOR, **_FEW)
        @given(case=operation.as_strategy(generation_mode=mode))
        def every(case: Any) -> None:
            check(case)

        every()
    return tried


def walk(schema: Any, examples: int, steps: int, check: Callable[[Any, Any], None], **call: Any) -> None:
    """Requests that follow from the answers of those before; `check` gets each with its answer."""

    def validate_response(_: Any, response: Any, case: Any, **__: Any) -> None:
        check(case, response)

    methods = {"validate_response": validate_response, "get_call_kwargs": lambda _, __: call}
    machine: Any = type("Walk", (schema.as_state_machine(),), methods)
    machine.run(settings=settings(max_examples=examples * EXAMPLES_FACTOR, stateful_step_count=steps, **_FEW))


def operations_of(description: dict[str, Any]) -> set[str]:
    return {f"{method.upper()} {path}" for path, methods in description["paths"].items() for method in methods}
