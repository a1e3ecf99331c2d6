"""The code by itself: form, arguments, the modules' own tests, and what people are to know of variables and outputs."""

import re

from checks import terraform
from checks.conftest import Checked
from checks.terraform import PROJECT, Code

_DECLARED = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


def test_the_code_is_formatted(code: Code) -> None:
    assert terraform.unformatted(code) == []


def test_every_root_module_is_valid(checked: dict[str, Checked]) -> None:
    assert {name: one.problems for name, one in checked.items() if one.problems} == {}
    assert len(checked) == len(list((PROJECT / "infra" / "terraform" / "environments").iterdir())) + 1


def test_every_module_has_tests_and_they_pass(code: Code) -> None:
    folders = {path.parent for path in code.terraform.glob("modules/*/main.tf")}
    tested = code.modules_with_tests()
    assert folders - set(tested) == set()
    failed = {}
    for module in tested:
        problems = terraform.initialize(module) or terraform.run_tests(module)
        if problems:
            failed[module.name] = problems
    assert failed == {}


def test_every_variable_and_output_has_a_description() -> None:
    without = [
        f"{file.relative_to(PROJECT)}: {kind} {name}"
        for file in (PROJECT / "infra" / "terraform").glob("**/*.tf")
        for kind, name, body in _DECLARED.findall(file.read_text())
        if not re.search(r'^\s+description\s+= "[A-Z`][^"]+\."?', body, re.MULTILINE)
        and not re.search(r'^\s+description\s+= "VENDING_', body, re.MULTILINE)
    ]
    assert without == []


def test_every_check_that_is_skipped_has_a_reason() -> None:
    skipped = [
        (file.name, line.strip())
        for file in (PROJECT / "infra" / "terraform").glob("**/*.tf")
        for line in file.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert len(skipped) > 10
    assert [one for one in skipped if not re.fullmatch(r"#checkov:skip=CKV2?_AWS_\d+:.{20,}", one[1])] == []
