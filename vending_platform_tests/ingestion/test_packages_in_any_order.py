"""Whatever comes in whatever order, and wherever a run is killed: of each sender and month `raw` holds exactly the
newest revision that was whole and right when a run looked."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from vending_platform_tests.ingestion.crashing import ingest_until
from vending_platform_tests.ingestion.packages import (
    CATALOG,
    KINDS,
    ONE,
    SHOPS,
    TWO,
    files_of,
    folder,
    held,
    manifest_of,
    package,
    rows,
)
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.properties import examples

REVISIONS = {1: ONE, 2: TWO, 3: {"B": rows(9)}, 4: {"B": rows("x"), "L": rows(7)}, 5: {"B": rows(3), "L": TWO["L"]}}
"""The third has no file of the second kind, and the fourth has a file that its contract refuses."""
NEVER_RIGHT = {4}
ABSENT = b""
"""In the place of a file that is not there."""


def amounts(revision: int) -> dict[str, list[int]]:
    """What `raw` holds of a revision; of none, nothing."""
    contents = REVISIONS.get(revision, {})
    return {
        source: [int(line.split(b"\t")[1]) for line in contents.get(kind, b"").splitlines()]
        for source, kind in KINDS.items()
    }


def in_folder(revision: int, kind: str, shop: str) -> bytes:
    """What a revision has at the place of the file of a kind, or of the manifest."""
    if kind == "manifest":
        return json.dumps(manifest_of(REVISIONS[revision], revision, shop)).encode()
    return REVISIONS[revision].get(kind, ABSENT)


@dataclass
class Model:
    """What lies in the folder of a shop, and which revision is in `raw`."""

    lies: dict[str, bytes] = field(default_factory=lambda: dict.fromkeys([*KINDS.values(), "manifest"], ABSENT))
    loaded: int = 0

    def looked_at(self, shop: str) -> int:
        """The revision that is in `raw` after a run."""
        for revision in REVISIONS.keys() - NEVER_RIGHT:
            if revision > self.loaded and all(in_folder(revision, kind, shop) == self.lies[kind] for kind in self.lies):
                return revision
        return self.loaded


@contextmanager
def fresh_shops() -> Iterator[RawFolder]:
    with tempfile.TemporaryDirectory() as there:
        (Path(there) / "sources").mkdir()
        yield RawFolder(Path(there), CATALOG)


def put(shops: RawFolder, shop: str, kind: str, content: bytes) -> None:
    path = f"{folder(shop)}/manifest.json" if kind == "manifest" else next(iter(files_of({kind: b""}, shop)))
    if content:
        shops.deliver({path: content})
    else:
        (shops.sources / path).unlink(missing_ok=True)


STEPS = st.one_of(
    st.tuples(st.sampled_from(SHOPS), st.sampled_from([*KINDS.values(), "manifest"]), st.sampled_from([*REVISIONS, 0])),
    st.tuples(st.sampled_from(SHOPS), st.just("all"), st.sampled_from(list(REVISIONS))),
)
"""A file as a revision has it, or nothing in its place; or all files of a revision, as a whole upload ends."""


@given(rounds=st.lists(st.tuples(st.lists(STEPS, max_size=4), st.integers(-1, 30)), min_size=1, max_size=4))
@examples(4)
def test_raw_holds_the_newest_revision_that_was_whole_and_right(
    rounds: list[tuple[list[tuple[str, str, int]], int]],
) -> None:
    models = {shop: Model() for shop in SHOPS}
    with fresh_shops() as shops:
        for steps, kill_at in rounds:
            for shop, kind, revision in steps:
                for one in models[shop].lies if kind == "all" else [kind]:
                    content = in_folder(revision, one, shop) if revision else ABSENT
                    models[shop].lies[one] = content
                    put(shops, shop, one, content)
            expected = {shop: model.looked_at(shop) for shop, model in models.items()}
            if kill_at >= 0 and ingest_until(shops.folder, CATALOG, kill_at):
                note("killed")
                if (shops.folder / "dbt_dev.duckdb").exists():
                    _is_whole(shops, {shop: {model.loaded, expected[shop]} for shop, model in models.items()})
            shops.ingest()
            _is_whole(shops, {shop: {revision} for shop, revision in expected.items()})
            for shop, model in models.items():
                model.loaded = expected[shop]
            assert shops.ingest().packages == []  # and the same again does nothing


def _is_whole(shops: RawFolder, allowed: dict[str, set[int]]) -> None:
    if not shops.rows("select 1 as n from information_schema.tables where table_name = 'lines'"):
        return  # killed before there were tables
    for shop, revisions in allowed.items():
        assert held(shops, shop) in [amounts(revision) for revision in revisions]


@pytest.mark.proof
def test_a_kill_at_any_boundary_leaves_whole_packages_and_is_fixed_by_the_next_run() -> None:
    kill_at, came_that_far = 0, True
    while came_that_far:
        with fresh_shops() as shops:
            shops.deliver(package(ONE) | package(ONE, shop="south"))
            shops.ingest()
            shops.deliver(package(REVISIONS[4], 4) | package(REVISIONS[3], 3, shop="south"))
            shops.remove(next(iter(files_of({"L": b""}, "south"))))
            came_that_far = ingest_until(shops.folder, CATALOG, kill_at)
            _is_whole(shops, {"north": {1}, "south": {1, 3}})
            shops.ingest()
            _is_whole(shops, {"north": {1}, "south": {3}})
            assert len(shops.kept()) == 3  # what is refused, with its manifest
            assert not list((shops.folder / "scratch").glob("*"))
        kill_at += 1
    assert kill_at > 12
