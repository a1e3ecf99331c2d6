"""Every error that a person may be shown is of one family."""

import ast
import builtins
from pathlib import Path

import pytest

import vending_platform
from vending_platform.accounts import WrongAccount
from vending_platform.catalog import ContractError
from vending_platform.errors import EXPECTED, is_transient
from vending_platform.exporting import ExportError
from vending_platform.promotion import PromotionError
from vending_platform.secrets import SecretUnavailable
from vending_platform.storage import StorageError
from vending_platform.warehouse import WarehouseBusy
from vending_platform_tests.syntax import syntax_tree

HANDLED_WHERE_THEY_ARE_RAISED = {
    *("FileProblem", "NotAValue", "NotEncodable", "NotNow", "_BadRow", "_NotUnderstood"),
    *("BrokenCheck", "HeldAsText", "LostRows"),
    *("NotThisTime", "_ListMoved", "_NotOfItsType"),  # what a web API answered, in extraction/web
    *("GrantRefused", "_TooLong"),  # what a service's OAuth endpoint answered, in connections
    "_NotDue",  # what is no longer due, in service/shop
    *("CancelRefused", "HttpProblem", "NoSuchRun", "SlowClient"),  # each becomes the answer to a request, or its end
}
"""Values on their way to a caller of the same package, which makes a result of them."""


def test_an_error_class_is_of_the_family_or_never_leaves_its_package() -> None:
    outside = set()
    for path in Path(vending_platform.__file__).parent.rglob("*.py"):
        for node in ast.walk(syntax_tree(path)):
            if isinstance(node, ast.ClassDef) and any(_is_builtin_error(base) for base in node.bases):
                outside.add(node.name)
    assert outside == HANDLED_WHERE_THEY_ARE_RAISED | {"PlatformError"}


def _is_builtin_error(base: ast.expr) -> bool:
    known = getattr(builtins, base.id, None) if isinstance(base, ast.Name) else None
    return isinstance(known, type) and issubclass(known, BaseException)


@pytest.mark.parametrize(
    "error", [ExportError("x"), StorageError("x"), WarehouseBusy("x"), OSError("x"), ConnectionResetError("x")]
)
def test_what_failed_outside_the_process_may_succeed_later(error: Exception) -> None:
    assert isinstance(error, EXPECTED)
    assert is_transient(error)


@pytest.mark.parametrize(
    "error", [WrongAccount("x"), PromotionError("x"), SecretUnavailable("x"), ContractError(["x"])]
)
def test_what_a_person_has_to_change_stays_as_it_is(error: Exception) -> None:
    assert isinstance(error, EXPECTED)
    assert not is_transient(error)


def test_a_fault_of_the_platform_is_not_expected_and_never_retried() -> None:
    assert not isinstance(KeyError("x"), EXPECTED)
    assert not is_transient(KeyError("x"))
