"""The dashboard's page, as `dashboard/` builds it into this package."""

from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.responses import FileResponse, HTMLResponse

from vending_platform.service.web import content_policy, not_found

STATIC = Path(str(files("vending_platform.service"))) / "static"
_PAGE = "index.html"
_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_POLICY = content_policy(script_src="'self' 'wasm-unsafe-eval'")
"""The engine of the SQL page is WebAssembly."""
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>The pipeline</title>
<h1>The dashboard is not built</h1>
<p>This installation has no dashboard's files: <code>make dashboard</code> builds them. The API works without them:
<a href="/api/pipeline/status">status</a>, <a href="/api/pipeline/latest">latest exports</a>,
<a href="/api/openapi.json">all of it</a>.</p></html>"""


def add_dashboard(app: FastAPI, folder: Path = STATIC) -> None:
    """Needs no log-in: the page holds nothing but the program, and whatever it shows comes from the API."""

    @app.get("/", include_in_schema=False)
    @app.head("/", include_in_schema=False)
    async def show_page() -> Response:
        if not (folder / _PAGE).is_file():
            return HTMLResponse(_NOT_BUILT)
        return _file(folder / _PAGE)

    @app.get("/{path:path}", include_in_schema=False)
    @app.head("/{path:path}", include_in_schema=False)
    async def show_file(path: str, request: Request) -> Response:
        known = _files(folder)
        if (found := known.get(path)) is None:
            raise not_found("there is nothing at this address: /api/openapi.json lists what there is")
        return _file(found)


def _files(folder: Path) -> dict[str, Path]:
    """By the address of each; what is not in this list is not given out, whatever an address looks like."""
    return {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.is_file() and file.suffix in _MEDIA_TYPES
    }


def _file(path: Path) -> Response:
    # The names of built files have a hash of their content in them, but for the page itself.
    is_hashed = path.parent.name == "assets"
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if is_hashed else "no-cache",
        "Content-Security-Policy": _POLICY,
    }
    return FileResponse(path, HTTPStatus.OK, headers, _MEDIA_TYPES[path.suffix])
