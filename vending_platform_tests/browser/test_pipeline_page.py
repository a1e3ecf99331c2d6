"""The Pipeline page, with answers that are made from the service's own models: run now, live progress, downloads."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from vending_platform.dashboard import write_dashboard
from vending_platform.service.pipeline.models import (
    AcceptedRun,
    DataState,
    ExportedFile,
    ExportVersion,
    LatestExports,
    MissingDelivery,
    NeedsAPerson,
    PipelineRun,
    PipelineStatus,
    RunEvent,
    RunEventKind,
    RunLinks,
    RunPage,
    RunPhase,
    RunProgress,
)
from vending_platform.service.web.callers import LoginKind
from vending_platform.service.web.session_endpoints import WhoIsIt
from vending_platform.service.web.streams import sent_event
from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.dashboards import chromium
from vending_platform_tests.browser.static_host import static_host
from vending_platform_tests.test_dashboard_folder import published

pytestmark = pytest.mark.browser

NOW = datetime(2024, 3, 15, 1, 2, 3, tzinfo=UTC)
RUN = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
LINKS = RunLinks(
    run=f"/api/pipeline/runs/{RUN}",
    events=f"/api/pipeline/runs/{RUN}/events",
    cancel=f"/api/pipeline/runs/{RUN}/cancel",
    dagster=None,
)


def run_in(phase: RunPhase) -> PipelineRun:
    ended = NOW if phase.is_over else None
    return PipelineRun(
        id=RUN,
        job="export",
        phase=phase,
        requested_by="this machine",
        requested_at=NOW,
        started_at=NOW,
        ended_at=ended,
        order=None,
        links=LINKS,
    )


def event(kind: RunEventKind, text: str, **more: object) -> RunEvent:
    return RunEvent.model_validate({"at": NOW, "kind": kind, "level": "info", "step": None, "text": text, **more})


EVENTS = [
    event(RunEventKind.PHASE, "it began", phase=RunPhase.RUNNING),
    event(RunEventKind.PROGRESS, "1 of 2: a model", progress=RunProgress(done=1, total=2)),
    event(RunEventKind.ASSET, "", asset="exports/days", partition="2024-03-14"),
    event(RunEventKind.PHASE, "it is done", phase=RunPhase.SUCCEEDED),
]


class Service:
    """Answers as the service does; what it was asked to change is kept."""

    def __init__(self) -> None:
        self.runs: list[PipelineRun] = []
        self.started: list[dict[str, str]] = []

    def answer(self, route: Route) -> None:
        request, path = route.request, urlsplit(route.request.url).path
        if path == "/api/me":
            body = WhoIsIt(
                name="me", permissions=["run"], login=LoginKind.SESSION, csrf_token="t0ken"
            ).model_dump_json()
        elif path == "/api/pipeline/export":
            self.started.append({**request.headers, "body": request.post_data or ""})
            self.runs = [run_in(RunPhase.RUNNING)]
            body = AcceptedRun(run_id=RUN, is_repeated=False, links=LINKS).model_dump_json()
        elif path == "/api/pipeline/status":
            body = self.status().model_dump_json()
        elif path == "/api/pipeline/runs":
            body = RunPage(runs=[run_in(RunPhase.SUCCEEDED)], next=None).model_dump_json()
        elif path == "/api/pipeline/latest":
            body = LatestExports(as_of=NOW, exports=[VERSION], not_published=[]).model_dump_json()
        elif path == LINKS.events:
            self.runs = []
            sent = [sent_event(f"~{n}", one.kind, one.model_dump(mode="json")) for n, one in enumerate(EVENTS, 1)]
            end = sent_event("~9", RunEventKind.END, {"kind": RunEventKind.END, "phase": RunPhase.SUCCEEDED})
            route.fulfill(content_type="text/event-stream", body=b"".join([*sent, end]))
            return
        else:
            raise AssertionError(path)
        route.fulfill(content_type="application/json", body=body)

    def status(self) -> PipelineStatus:
        data = DataState(
            as_of=NOW,
            is_being_written=False,
            stale_days=[NOW.date()],
            stale_as_of=NOW,
            missing=[MissingDelivery(source="days", sender="S1", day="2024-03-14")],
            missing_count=1,
            needs_a_person=True,
            open_points=[NeedsAPerson(what="In quarantine", items=["a.csv"], count=1, todo="send it again")],
        )
        return PipelineStatus(
            domain="vending",
            environment="development",
            as_of=NOW,
            dagster_is_up=True,
            running=self.runs,
            queued=[],
            last=run_in(RunPhase.SUCCEEDED),
            run=None,
            data=data,
        )


FILE = ExportedFile(
    name="days_2024-03-14_ab.parquet",
    day="2024-03-14",
    split=None,
    rows=7,
    bytes=1200,
    sha256="ab" * 32,
    suppressed_rows=0,
    checks_passed=True,
    url="/api/exports/days/files/days_2024-03-14_ab.parquet",
)
VERSION = ExportVersion(
    name="days",
    model="days",
    description="Days.",
    owner="team",
    audience="internal",
    format="parquet",
    encoding=None,
    columns=[],
    run_id=RUN,
    published_at=NOW,
    version="v1",
    rows=7,
    bytes=1200,
    files=[FILE],
)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def page(tmp_path: Path, service: Service) -> Iterator[Page]:
    place = LocalPlace(tmp_path / "processed")
    published(place, "a")
    write_dashboard(place, None, tmp_path / "site")
    manifest = tmp_path / "site" / "data" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"api": "api/"}))
    problems: list[str] = []
    with (
        static_host(tmp_path / "site") as address,
        chromium() as browser,
        browser.new_context(locale="en-US", service_workers="block") as context,
    ):
        opened = context.new_page()
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        opened.route("**/api/**", service.answer)
        opened.goto(f"{address}#/pipeline")
        yield opened
    assert problems == []


def test_run_now_is_confirmed_followed_and_ends_with_new_files(page: Page, service: Service) -> None:
    expect(page.locator('[data-fact="missing"]')).to_contain_text("S1")
    expect(page.get_by_text("In quarantine")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    assert service.started == [], "not before it is confirmed"
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator('.progress[data-phase="succeeded"]')).to_be_visible()
    expect(page.locator(".log li")).to_have_count(len(EVENTS))
    (started,) = service.started
    assert (started["x-csrf-token"], json.loads(started["body"])) == ("t0ken", {})
    assert len(started["idempotency-key"]) >= 32
    page.get_by_role("link", name="See the new files").click()
    page.locator('[data-export="days"] summary').click()
    link = page.get_by_role("link", name=FILE.name)
    assert str(link.get_attribute("href")).endswith(FILE.url)
    page.get_by_role("link", name="History").click()
    expect(page.locator(f'tr[data-row="{RUN}"]')).to_contain_text("Succeeded")
