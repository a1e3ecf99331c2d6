"""The dashboard of the sample in a real browser, and what its tests have in common."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
READY = '.page[data-busy="false"]'


@contextmanager
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "Debian's chromium is needed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Site:
    """A dashboard's folder, where it is served, and the data that it was made from."""

    folder: Path
    address: str
    data: Path


@dataclass
class Dashboard:
    """A page in a browser; what goes wrong in it is kept, and `assert_quiet` fails of it."""

    page: Page
    address: str
    data: Path
    """Where the warehouse is that it was made from."""
    problems: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Go to a page by its address, such as `today?day=2024-03-14`, and wait until it shows what was asked."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#/{address}")
        self.page.wait_for_selector(READY)
        assert self.page.locator(".problem").count() == 0, self.page.locator(".problem").inner_text()

    def figure(self, name: str) -> int | None:
        """The number on a tile."""
        return number(self.page.locator(f'[data-figure="{name}"] .figure').inner_text())

    def column(self, label: str, column: str) -> list[str]:
        """The cells of a column of a table, from the top."""
        return self.page.locator(f'[role=region][aria-label="{label}"] td[data-column="{column}"]').all_inner_texts()

    def numbers(self, label: str, column: str) -> list[int | None]:
        return [number(text) for text in self.column(label, column)]

    def by_row(self, label: str, column: str) -> dict[str, int | None]:
        """The numbers of a column by the key of their row."""
        rows = self.page.locator(f'[role=region][aria-label="{label}"] tr[data-row]')
        found = rows.evaluate_all(
            "(rows, column) =>"
            " rows.map(row => [row.dataset.row, row.querySelector(`[data-column=${column}]`).innerText])",
            column,
        )
        return {key: number(text) for key, text in found}

    def values(self, query: str) -> list[int | None]:
        """The first column, as whole numbers."""
        return [None if value is None else int(value) for (value,) in self.sql(query)]

    def texts(self, query: str) -> list[str]:
        return [str(value) for (value,) in self.sql(query)]

    def violations(self, packages: Path) -> list[str]:
        """What axe, which is in these packages, finds against WCAG 2 A and AA."""
        axe = packages / "node_modules" / "axe-core" / "axe.min.js"
        self.page.evaluate(axe.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
            ".then(done => done.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 160)}"
            " ${node.any.map(any => any.message).join('; ').slice(0, 200)}`)))"
        )
        return [str(text) for text in found]

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.data / "dbt_dev.duckdb", read_only=True) as warehouse:
            return warehouse.execute(query).fetchall()

    def one(self, query: str) -> Any:
        ((value,),) = self.sql(query)
        return value

    def assert_quiet(self) -> None:
        assert self.problems == []


def number(text: str) -> int | None:
    """What a person reads: 59,110円 or −¥48; – is none."""
    if text.strip() == "–":
        return None
    return int(re.sub(r"[^0-9−]", "", text).replace("−", "-"))


def watched(context: BrowserContext, site: Site) -> Dashboard:
    page = context.new_page()
    page.set_default_timeout(60_000)
    dashboard = Dashboard(page, site.address, site.data)

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            dashboard.problems.append(message.text)

    def requested(request: Request) -> None:
        if not request.url.startswith((site.address, "data:", "blob:", "about:")):
            dashboard.problems.append(f"a request to {request.url}")

    page.on("console", heard)
    page.on("pageerror", lambda error: dashboard.problems.append(str(error)))
    page.on("request", requested)
    return dashboard
