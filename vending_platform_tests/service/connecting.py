"""The connect page's application by itself, over a payment processor on this machine."""

from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI

from vending_platform import environment
from vending_platform.environment import Environment, Places
from vending_platform.environment.connections import TokenStore
from vending_platform.opening import Platform
from vending_platform.service.connections import connection_endpoints
from vending_platform.service.pipeline.dashboard import add_dashboard
from vending_platform.service.web import Loopback, WebSettings, new_app
from vending_platform.service.web.session_endpoints import session_endpoints
from vending_platform_tests.connections.people import settings_at
from vending_platform_tests.core import Core
from vending_platform_tests.emulators.payments import PaymentProcessor
from vending_platform_tests.service.conftest import GENEROUS


def environment_with(processor: PaymentProcessor, folder: Path) -> Environment:
    """Whose only connection is to this processor."""
    for name in ("sources", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    tokens = TokenStore(by="file", at=str(folder / "connections" / "payments.json"))
    return replace(
        environment.load(),
        places=Places(*(str(folder / name) for name in ("sources", "processed", "artifacts", "work"))),
        connections={"payments": settings_at(processor.address).model_copy(update={"tokens": tokens})},
    )


def connect_app(processor: PaymentProcessor, folder: Path, core: Core, settings: WebSettings | None = None) -> FastAPI:
    settings = settings or WebSettings([Loopback()], limits=GENEROUS)
    app = new_app("Connections", settings)
    platform = Platform(environment_with(processor, folder), core.manifest)
    app.include_router(connection_endpoints(platform, settings))
    app.include_router(session_endpoints(None))
    add_dashboard(app)  # whose icon the page has
    return app
