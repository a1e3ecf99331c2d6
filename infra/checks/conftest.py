"""One copy of the code, one provider, and a plan of each root module, for all tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks import terraform
from checks.plan import Plan
from checks.terraform import Code


@dataclass(frozen=True)
class Checked:
    """What Terraform finds in one root module."""

    name: str
    problems: list[str]
    plan: Plan | None


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Code]:
    copy = terraform.copied(tmp_path_factory.mktemp("code"))
    with terraform.offline(copy):
        yield copy


@pytest.fixture(scope="session")
def checked(code: Code) -> dict[str, Checked]:
    return {root.name: check(code, root) for root in code.roots()}


@pytest.fixture(scope="session")
def plans(checked: dict[str, Checked]) -> list[Plan]:
    return [one.plan for one in checked.values() if one.plan is not None]


def check(code: Code, root: Path) -> Checked:
    problems = terraform.initialize(root) or terraform.validate(root)
    return Checked(root.name, problems, None if problems else terraform.planned(code, root))
