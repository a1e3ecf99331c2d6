"""The connect page in a real browser: a person connects a service, loses the consent, connects again, and ends it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from vending_platform.connections import NotConnected, open_connection
from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.dashboards import chromium
from vending_platform_tests.core import Core
from vending_platform_tests.emulators.payments import PaymentProcessor, payment_processor
from vending_platform_tests.service.connecting import connect_app, environment_with

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def processor() -> Iterator[PaymentProcessor]:
    with payment_processor() as served:
        yield served


@contextmanager
def served(processor: PaymentProcessor, folder: Path, core: Core) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(connect_app(processor, folder, core), lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def problems_of(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-US", ["Not connected", "Connect", "Connected.", "Ended: connect again", "Connect again", "Disconnect"]),
        ("ja-JP", ["未接続", "接続する", "接続しました。", "切断：要再接続", "再接続する", "切断する"]),
    ],
)
def test_a_person_connects_a_service_connects_it_again_and_ends_it(
    browser: Browser, processor: PaymentProcessor, tmp_path: Path, core: Core, language: str, words: list[str]
) -> None:
    never, connect, connected, ended, again, disconnect = words
    with served(processor, tmp_path, core) as address, browser.new_context(locale=language) as context:
        page = context.new_page()
        problems = problems_of(page)
        page.goto(f"{address}/connections")
        expect(page.locator("#payments .state")).to_have_text(never)
        page.get_by_role("button", name=connect, exact=True).click()
        page.get_by_role("button", name="Deny").click()
        expect(page.locator("#notice")).to_be_visible()
        expect(page.locator("#payments .state")).to_have_text(never)
        page.get_by_role("button", name=connect, exact=True).click()
        page.get_by_role("button", name="Allow").click()
        expect(page.locator("#notice")).to_have_text(f"payments: {connected}")
        expect(page.locator("#payments .state.good")).to_be_visible()
        expect(page.locator("#payments code")).to_have_text("settlements.read")
        assert page.url == f"{address}/connections", "neither a code nor a state stays in the address"

        processor.revoke_everything()
        settings, work = environment_with(processor, tmp_path), LocalPlace(tmp_path / "work")
        connection = open_connection(settings, "payments", work)
        with pytest.raises(NotConnected):
            connection.access_token(rejected=connection.access_token())
        page.reload()
        expect(page.locator("#payments .state.bad")).to_have_text(ended)
        page.get_by_role("button", name=again).click()
        page.get_by_role("button", name="Allow").click()
        expect(page.locator("#payments .state.good")).to_be_visible()

        page.get_by_role("button", name=disconnect, exact=True).click()
        page.locator("#payments button.main").click()
        expect(page.locator("#payments .state")).to_have_text(never)
        assert processor.consents[-1].is_revoked
        page.locator("#language").click()
        expect(page.locator("html")).to_have_attribute("lang", "ja" if language.startswith("en") else "en")
        assert problems == []
