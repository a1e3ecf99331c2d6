"""The files of the exports: what is newest, whole, and nothing else."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from vending_platform.opening import Platform
from vending_platform.service.login import Access
from vending_platform.service.pipeline.application import create_app
from vending_platform_tests.core import Core
from vending_platform_tests.properties import examples
from vending_platform_tests.service.conftest import ADDRESS, platform_in
from vending_platform_tests.service.dagster_here import DagsterHere

LATEST = "/api/pipeline/latest"


@pytest.fixture
def own(
    built_folder: Path, core: Core, tmp_path: Path, access: Access, dagster: DagsterHere
) -> Iterator[tuple[TestClient, Platform]]:
    """A service over a copy of the platform, to change as one likes."""
    folder = tmp_path / "data"
    shutil.copytree(built_folder, folder, copy_function=shutil.copy2)
    platform = platform_in(folder, core, tmp_path / "work")
    with TestClient(create_app(platform, access, dagster.api()), ADDRESS, raise_server_exceptions=False) as client:
        yield client, platform


@pytest.fixture
def file(client: TestClient) -> dict[str, object]:
    return dict(client.get("/api/exports/sales_by_day").json()["files"][0])


def folder_of(platform: Platform) -> Path:
    return Path(platform.environment.places.processed)


def test_the_latest_version_has_every_file_of_the_manifest(client: TestClient, platform: Platform) -> None:
    latest = client.get(LATEST).json()
    names = {export.name for export in platform.catalog.exports}
    assert {export["name"] for export in latest["exports"]} | set(latest["not_published"]) == names
    for export in latest["exports"]:
        manifest = json.loads((folder_of(platform) / export["name"] / "manifest.json").read_text())
        assert export["rows"] == sum(part["rows"] for part in manifest["parts"])
        assert [(file["sha256"], file["rows"], file["day"]) for file in export["files"]] == [
            (part["sha256"], part["rows"], part["day"]) for part in manifest["parts"]
        ]


def test_every_file_that_is_listed_is_fetched_as_it_was_written(client: TestClient) -> None:
    files = [file for export in client.get(LATEST).json()["exports"] for file in export["files"]]
    assert len(files) > 10
    for file in files:
        answer = client.get(file["url"])
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
        assert int(answer.headers["content-length"]) == file["bytes"] == len(answer.content)
        head = client.head(file["url"])
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])
        assert head.headers["content-length"] == answer.headers["content-length"]


def test_a_client_that_has_it_gets_nothing(client: TestClient, file: dict[str, object]) -> None:
    url, tag = str(file["url"]), f'"{file["sha256"]}"'
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(url, headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@examples(60)
@given(data=st.data())
def test_any_range_is_the_same_bytes_of_the_file(shared: tuple[TestClient, str, bytes], data: st.DataObject) -> None:
    client, url, whole = shared
    size = len(whole)
    first = data.draw(st.one_of(st.none(), st.integers(0, size + 10)))
    last = data.draw(st.one_of(st.none(), st.integers(0, size + 10)))
    if first is None and last is None:
        return
    sent = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    answer = client.get(url, headers={"Range": sent})
    if first is None:
        start, end = max(0, size - (last or 0)), size
    else:
        start, end = first, size if last is None else min(size, last + 1)
    if first is not None and last is not None and last < first:
        assert (answer.status_code, answer.content) == (200, whole), "which is no range"
    elif start >= size or start >= end:
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{size}"
    else:
        assert answer.status_code == 206
        assert answer.content == whole[start:end]
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"


@pytest.fixture(scope="module")
def shared(
    built_folder: Path, core: Core, tmp_path_factory: pytest.TempPathFactory, dagster_server: DagsterHere
) -> Iterator[tuple[TestClient, str, bytes]]:
    from vending_platform.service.web import Loopback, WebSettings
    from vending_platform_tests.service.conftest import GENEROUS

    platform = platform_in(built_folder, core, tmp_path_factory.mktemp("work"))
    app = create_app(platform, Access(WebSettings([Loopback()], limits=GENEROUS), None), dagster_server.api())
    with TestClient(app, ADDRESS) as client:
        url = str(client.get("/api/exports/sales_by_day").json()["files"][0]["url"])
        yield client, url, client.get(url).content


@pytest.mark.parametrize("sent", ["bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes=-", "bytes=5-2"])
def test_what_is_no_single_range_is_answered_with_all_of_it(
    client: TestClient, file: dict[str, object], sent: str
) -> None:
    answer = client.get(str(file["url"]), headers={"Range": sent})
    assert (answer.status_code, len(answer.content)) == (200, file["bytes"])


def test_a_range_of_another_version_is_answered_with_all_of_this_one(
    client: TestClient, file: dict[str, object]
) -> None:
    wanted = {"Range": "bytes=0-3"}
    this = client.get(str(file["url"]), headers=wanted | {"If-Range": f'"{file["sha256"]}"'})
    other = client.get(str(file["url"]), headers=wanted | {"If-Range": '"other"'})
    assert (this.status_code, other.status_code) == (206, 200)


def test_a_half_file_is_never_given_out(own: tuple[TestClient, Platform]) -> None:
    client, platform = own
    file = client.get("/api/exports/sales_by_day").json()["files"][0]
    path = folder_of(platform) / "sales_by_day" / file["name"]
    path.write_bytes(path.read_bytes()[:-1])
    answer = client.get(file["url"])
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:unavailable")
    path.unlink()
    assert client.get(file["url"]).status_code == 503


def test_what_no_manifest_lists_is_not_given_out(own: tuple[TestClient, Platform]) -> None:
    client, platform = own
    folder = folder_of(platform) / "sales_by_day"
    (folder / "sales_by_day_2024-03-09_00000000.parquet").write_bytes(b"of a run that was killed")
    for name in ("sales_by_day_2024-03-09_00000000.parquet", "manifest.json"):
        assert client.get(f"/api/exports/sales_by_day/files/{name}").status_code == 404


def test_a_new_version_is_seen_at_once_and_the_one_before_can_still_be_fetched(
    own: tuple[TestClient, Platform],
) -> None:
    client, platform = own
    before = client.get("/api/exports/sales_by_day").json()
    old, *rest = before["files"]
    manifest_file = folder_of(platform) / "sales_by_day" / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    manifest["parts"] = manifest["parts"][1:]
    manifest["superseded"] = [f"sales_by_day/{old['name']}"]
    manifest_file.with_suffix(".new").write_text(json.dumps(manifest))
    manifest_file.with_suffix(".new").replace(manifest_file)
    after = client.get("/api/exports/sales_by_day").json()
    assert after["files"] == rest
    assert after["version"] != before["version"]
    answer = client.get(old["url"])
    assert answer.headers["etag"] == f'"{old["sha256"]}"'
    assert hashlib.sha256(answer.content).hexdigest() == old["sha256"]


def test_an_export_that_was_never_published_says_so(own: tuple[TestClient, Platform]) -> None:
    client, platform = own
    (folder_of(platform) / "sales_by_day" / "manifest.json").unlink()
    answer = client.get("/api/exports/sales_by_day")
    assert (answer.status_code, "never published" in answer.json()["detail"]) == (404, True)
    assert "sales_by_day" in client.get(LATEST).json()["not_published"]
    assert client.get("/api/exports/nothing").status_code == 404


TRICKS = [
    "../../dbt_dev.duckdb",
    "..%2f..%2fdbt_dev.duckdb",
    "%2e%2e/%2e%2e/dbt_dev.duckdb",
    "..%5c..%5cdbt_dev.duckdb",
    "....//....//dbt_dev.duckdb",
    "%252e%252e%252fdbt_dev.duckdb",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "sales_by_day_2024-03-01.parquet%00.csv",
    "x%0d%0aSet-Cookie:%20a=b",
    "raw-files/2024-03-01.json",
    ".hidden",
    "~root",
    quote("．．／etc/passwd"),
]


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("below", ["/api/exports/sales_by_day/files/", "/api/exports/", "/", "/assets/"])
def test_no_trick_with_a_path_leads_anywhere(client: TestClient, below: str, trick: str) -> None:
    answer = client.get(f"{below}{trick}")
    assert answer.status_code in (404, 422), trick
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers
    assert b"root:" not in answer.content
