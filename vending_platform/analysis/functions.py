"""What a module of functions imports: `checked` declares what must hold for a result, `part` a step that is no result.

@checked(Keys("business_date"), NoNulls("business_date"))
def daily_totals(fct_orders: pl.DataFrame) -> pl.DataFrame: ...
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from vending_platform.analysis.optional import require_hamilton

require_hamilton()

# After it, so that who lacks the extra reads what to install, and no ImportError of a library.
from hamilton.function_modifiers import check_output_custom, tag  # noqa: E402

from vending_platform.analysis.checks import AtLeast, Keys, NoneIs, NoNulls, OneOf, TableCheck, surely_distinct  # noqa: E402
from vending_platform.analysis.inputs import InputTable  # noqa: E402

Function = TypeVar("Function", bound=Callable[..., Any])


def checked(*checks: TableCheck) -> Callable[[Function], Function]:
    """The function's result must pass these checks."""
    return cast(Callable[[Function], Function], check_output_custom(*checks))


def part(function: Function) -> Function:
    """The function's value is only for other functions."""
    return cast(Function, tag(part="yes")(function))


__all__ = [
    "AtLeast",
    "InputTable",
    "Keys",
    "NoNulls",
    "NoneIs",
    "OneOf",
    "TableCheck",
    "checked",
    "part",
    "surely_distinct",
]
