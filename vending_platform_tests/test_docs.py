"""The pages lead somewhere: their links have a target, and the modules and files that they name exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vending_platform.environment import PROJECT_DIR

PAGES = sorted([*PROJECT_DIR.glob("*.md"), *PROJECT_DIR.glob("docs/*.md")])
LINK = re.compile(r"\[[^]]*\]\((?!https?:)([^)#]*)#?([^)]*)\)")
ARCHITECTURE = (PROJECT_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")
PATH = re.compile(r"`([\w.-]+/[\w./-]*)`")
MODULE = re.compile(r"`(?:vending_platform_tests/|vending_platform/)?([\w-]+/[\w./-]+\.py)`")
PLANNED = {"vending_platform/extraction/"}
"""What the page announces and is not built yet."""
LONGEST = 2000


def anchors(page: Path) -> Iterator[str]:
    """Of every heading, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def broken_links(page: Path, text: str) -> list[str]:
    broken = []
    for target, anchor in LINK.findall(text):
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in set(anchors(file))):
            broken.append(f"{target}#{anchor}" if anchor else target)
    return broken


def missing_paths(text: str) -> list[str]:
    """A path is from the repository's root, or from the package's."""
    roots = (PROJECT_DIR, PROJECT_DIR / "vending_platform")
    return [path for path in PATH.findall(text) if not any((root / path).exists() for root in roots)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    assert broken_links(page, page.read_text(encoding="utf-8")) == []


def test_the_map_names_files_that_exist() -> None:
    assert set(missing_paths(ARCHITECTURE)) <= PLANNED
    assert len(PATH.findall(ARCHITECTURE)) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_modules_that_a_page_names_exist(page: Path) -> None:
    roots = (PROJECT_DIR / "vending_platform", PROJECT_DIR / "vending_platform_tests", PROJECT_DIR)
    names = MODULE.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if not any((root / name).exists() for root in roots)] == []


def test_the_map_stays_short() -> None:
    assert len(ARCHITECTURE.split()) <= LONGEST


def test_a_broken_link_and_a_missing_path_are_found() -> None:
    page = PROJECT_DIR / "docs" / "architecture.md"
    text = "[a](nowhere.md), [b](limits.md#nowhere), [c](#layers), [d](../README.md), `alerts/a.py`, `alerts/state.py`"
    assert broken_links(page, text) == ["nowhere.md", "limits.md#nowhere"]
    assert missing_paths(text) == ["alerts/a.py"]
