"""AWS's policies, as far as ours use them: which statements are about a request, and whether they hold."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.emulators.aws import ACCOUNT, COMPANY, REGION

FOLDER = PROJECT_DIR / "deployment" / "iam"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY}"


@dataclass(frozen=True)
class Statement:
    sid: str
    effect: str
    principals: Mapping[str, list[str]]
    actions: list[str]
    resources: list[str]
    conditions: Mapping[str, Mapping[str, list[str]]]

    def is_about(self, action: str, resource: str) -> bool:
        return any(fnmatchcase(action, pattern) for pattern in self.actions) and any(
            fnmatchcase(resource, pattern) for pattern in self.resources
        )

    def holds(self, context: Mapping[str, str]) -> bool:
        return all(
            _OPERATORS[operator](context.get(key), values)
            for operator, keys in self.conditions.items()
            for key, values in keys.items()
        )


_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "Null": lambda value, wanted: str(value is None).lower() in wanted,
    "Bool": lambda value, wanted: value in wanted,
    "ArnEquals": lambda value, wanted: value in wanted,
    "StringEquals": lambda value, wanted: value in wanted,
    "StringLike": lambda value, wanted: value is not None and any(fnmatchcase(value, one) for one in wanted),
    "StringNotEquals": lambda value, wanted: value not in wanted,  # and so it is where there is no value at all
}


def policies(suffix: str = "prod") -> dict[str, list[Statement]]:
    """By the name of the file: those of one environment."""
    others = {"prod": "staging", "staging": "production"}[suffix]
    return {path.stem: policy(path, suffix) for path in sorted(FOLDER.glob("*.json")) if others not in path.stem}


def policy(path: Path, suffix: str) -> list[Statement]:
    text = path.read_text()
    values = {"company": COMPANY, "account": ACCOUNT, "region": REGION, "suffix": suffix, "key": KEY}
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    assert "<" not in text, f"{path.name} has a blank that is never filled in"
    document = json.loads(text)
    assert document.keys() == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    return [_statement(declared) for declared in document["Statement"]]


def is_allowed(statements: list[Statement], action: str, resource: str) -> bool:
    about = [statement for statement in statements if statement.is_about(action, resource)]
    return any(statement.effect == "Allow" for statement in about)


def denials(statements: list[Statement], action: str, resource: str, context: Mapping[str, str]) -> Iterator[str]:
    for statement in statements:
        if statement.effect == "Deny" and statement.is_about(action, resource) and statement.holds(context):
            yield statement.sid


def _statement(declared: dict[str, Any]) -> Statement:
    principals = declared.pop("Principal", {})
    conditions = declared.pop("Condition", {})
    return Statement(
        sid=declared.pop("Sid"),
        effect=declared.pop("Effect"),
        principals={"*": ["*"]} if principals == "*" else {kind: _list(names) for kind, names in principals.items()},
        actions=_list(declared.pop("Action")),
        resources=_list(declared.pop("Resource")),
        conditions={
            operator: {key: _list(values) for key, values in keys.items()} for operator, keys in conditions.items()
        },
        **declared,  # anything else in a statement is unknown here, and refused
    )


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
