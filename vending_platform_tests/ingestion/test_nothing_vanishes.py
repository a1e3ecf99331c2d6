"""Every byte delivered is in `raw` or in quarantine, counted and read by code that is not the platform's."""

import csv
import io
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from fleet_simulator import generate
from vending_platform.catalog import Catalog, Source
from vending_platform.environment import PROJECT_DIR
from vending_platform.ingestion.reading import FileProblem, Readable, content_of, prepare, read_together
from vending_platform.ledger import FileState
from vending_platform_tests.ingestion.raw_folder import RawFolder

SAMPLE = PROJECT_DIR / "data" / "sources"
FLEETS = ["sample", "untidy-1", "untidy-2", "untidy-3"]


def count_rows(content: bytes) -> int:
    """The data rows of a CSV file, by counting line ends outside quotes: no parser, no decoding."""
    content = re.sub(rb'"[^"]*"', b"q", content.removeprefix(b"\xef\xbb\xbf"))
    return sum(1 for line in re.split(rb"\r\n|\n|\r", content) if line) - 1


def independent_rows(content: bytes, encoding: str) -> list[list[str]]:
    """Python's own decoder and its own CSV reader, both strict."""
    text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding, "strict")
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


@pytest.fixture(scope="module")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {"sample": SAMPLE}
    for seed in (1, 2, 3):
        folder = tmp_path_factory.mktemp(f"fleet-{seed}")
        generate(folder, machines=8, days=14, seed=seed, untidy=True)
        folders[f"untidy-{seed}"] = folder / "sources"
    return folders


@pytest.fixture(params=FLEETS)
def deliveries(request: pytest.FixtureRequest, fleets: dict[str, Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in fleets[request.param].iterdir() if path.is_file()}


def test_every_row_delivered_is_accepted_rejected_or_quarantined(
    raw_folder: RawFolder, deliveries: dict[str, bytes]
) -> None:
    raw_folder.deliver(deliveries)
    raw_folder.ingest()
    ledger = raw_folder.ledger()
    accepted = Counter[str]()
    for source in raw_folder.catalog:
        accepted.update(
            row["path"]
            for row in raw_folder.rows(f"select path from raw.{source.name} join raw._files on _file_id = file_id")
        )
    rejected = Counter(row["path"] for row in raw_folder.rows("select path from raw._rejected_rows"))
    undeclared = {row["path"] for row in raw_folder.rows("select path from raw._undeclared")}
    assert ledger.keys() | undeclared == deliveries.keys()
    for path, version in ledger.items():
        if version["state"] == FileState.QUARANTINED:
            assert raw_folder.kept()[version["sha256"]] == deliveries[path]
            assert (accepted[path], rejected[path]) == (0, 0)
        else:
            assert accepted[path] + rejected[path] == count_rows(deliveries[path]), path
            assert (accepted[path], rejected[path]) == (version["rows_accepted"], version["rows_rejected"])
            if rejected[path]:
                assert raw_folder.kept()[version["sha256"]] == deliveries[path]


def test_every_accepted_text_is_what_an_independent_reader_finds(
    raw_folder: RawFolder, deliveries: dict[str, bytes]
) -> None:
    raw_folder.deliver(deliveries)
    raw_folder.ingest()
    compared = 0
    bad_lines = defaultdict[str, set[int]](set)
    for row in raw_folder.rows("select path, line from raw._rejected_rows"):
        bad_lines[row["path"]].add(row["line"])
    loaded_rows = defaultdict[str, list[dict[str, Any]]](list)
    for source in raw_folder.catalog:
        for row in raw_folder.rows(f"select * from raw.{source.name} order by _line"):
            loaded_rows[row["_file_id"]].append(row)
    for path, version in raw_folder.ledger().items():
        if version["state"] != FileState.LOADED:
            continue
        source = raw_folder.catalog.source(version["source"])
        header, *rows = independent_rows(deliveries[path], version["encoding"])
        found = [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]
        columns = [column.name for column in source.columns]
        texts = [column.name for column in source.columns if column.type.kind == "text"]
        if bad := bad_lines[path]:  # lines and rows are the same here: no field of these files has a line break
            found = [dict(zip(header, r, strict=True)) for n, r in enumerate(rows, 2) if n not in bad]
        loaded = loaded_rows[version["file_id"]]
        assert len(loaded) == len(found), path
        for row, expected in zip(loaded, found, strict=True):
            assert {name: row[name] for name in texts} == {name: expected.get(name) or None for name in texts}
            extra = {name: value for name, value in expected.items() if name not in columns}
            assert (json.loads(row["_extra"]) if row["_extra"] else {}) == extra
            compared += len(texts)
    assert compared > 10_000


def test_the_outcome_is_what_was_planted(raw_folder: RawFolder, tmp_path: Path) -> None:
    """The generator knows what it broke; what the platform makes of each file agrees with it, file by file."""
    generate(tmp_path / "fleet", machines=12, days=20, seed=5, untidy=True)
    raw_folder.deliver({path.name: path.read_bytes() for path in (tmp_path / "fleet" / "sources").iterdir()})
    raw_folder.ingest()
    ledger = raw_folder.ledger()
    undeclared = {row["path"] for row in raw_folder.rows("select path from raw._undeclared")}
    with (tmp_path / "fleet" / "truth" / "deliveries.csv").open(newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["name"] in ledger.keys() | undeclared]
    assert {row["name"] for row in truth} == ledger.keys() | undeclared
    for row in truth:
        outcome = "undeclared" if row["name"] in undeclared else str(ledger[row["name"]]["state"])
        assert (row["name"], outcome) == (row["name"], row["outcome"])
        if outcome == FileState.LOADED:
            assert ledger[row["name"]]["rows_accepted"] == int(row["rows_good"]), row
            assert ledger[row["name"]]["rows_rejected"] == int(row["rows_bad"]), row


def test_both_ways_of_reading_give_the_same_rows(catalog: Catalog, deliveries: dict[str, bytes]) -> None:
    compared = 0
    for name, content in deliveries.items():
        found = catalog.identify(name)
        if not isinstance(found, tuple) or not content:
            continue
        source: Source = found[0]
        try:
            readable = prepare(source, content_of(content), 0)
        except FileProblem:
            continue  # neither way can read it
        if readable.block is None:
            continue
        careful = Readable(readable.content, readable.encoding, readable.layout, block=None)
        fast_rows, slow_rows = (
            [row for table in read_together(source, {0: way})[0] for row in table.to_pylist()]
            for way in (readable, careful)
        )
        place = {"_offset", "_length"}  # the fast way leaves these to be found when they are needed
        assert [{k: v for k, v in r.items() if k not in place} for r in fast_rows] == [
            {k: v for k, v in r.items() if k not in place} for r in slow_rows
        ]
        compared += len(fast_rows)
    assert compared > 5_000
