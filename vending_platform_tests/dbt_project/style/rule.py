"""What a rule of style is, and what it reports about a project."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
Exceptions = Mapping[str, Mapping[str, str]]
"""By rule, what may break it, and why."""
LAYERS = ("staging", "intermediate", "marts")


@dataclass(frozen=True)
class Rule:
    """`broken_by` gives the names that break it; `advice` is what to do about one, as one sentence with `{name}`."""

    name: str
    broken_by: Callable[[Manifest], Iterable[str]]
    advice: str
    is_warning: bool = False
    """Whether it only draws attention: a project with such a thing is not finished, and not wrong."""


@dataclass(frozen=True)
class Verdict:
    failures: tuple[str, ...]
    warnings: tuple[str, ...]


def judged(rule: Rule, manifest: Manifest, exceptions: Exceptions) -> Verdict:
    excused = exceptions.get(rule.name, {})
    broken_by = set(rule.broken_by(manifest))
    messages = tuple(rule.advice.format(name=name) for name in sorted(broken_by - excused.keys()))
    needless = tuple(
        f"{name} keeps the rule {rule.name} by now: take it out of dbt_project/style_exceptions.yml."
        for name in sorted(excused.keys() - broken_by)
    )
    return Verdict(needless, messages) if rule.is_warning else Verdict(messages + needless, ())


def exceptions_of(project: Path) -> Exceptions:
    found: Exceptions = yaml.safe_load((project / "style_exceptions.yml").read_text(encoding="utf-8"))
    return found


def rule(advice: str, *, is_warning: bool = False) -> Callable[[Callable[[Manifest], Iterator[str]]], Rule]:
    """Make a rule of a function, under its name."""
    return lambda broken_by: Rule(broken_by.__name__, broken_by, advice, is_warning)


def models(manifest: Manifest) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def parents(manifest: Manifest, node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models, seeds and sources that a node is built from directly."""
    known = manifest["nodes"] | manifest["sources"]
    return [known[name] for name in node["depends_on"]["nodes"] if name in known]


def layer(node: Mapping[str, Any]) -> str:
    """The folder of `models/` that it lies in; one that is no layer is `misplaced_models`' business alone."""
    return str(node["fqn"][1])


def tests_of(manifest: Manifest, node: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """Every generic test of a node: its name, its arguments and its column."""
    for test in manifest["nodes"].values():
        if test.get("attached_node") == node["unique_id"] and test["test_metadata"]:
            yield test["test_metadata"]["name"], test["test_metadata"]["kwargs"], test["column_name"]
