"""The same deliveries, through development and through staging: the same rows, marts and exports, value by value.

Staging is its own definitions, from the files in S3 to the exports there, with real clients, dbt-snowflake among them.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import dagster as dg
import pytest

import fleet_simulator
from vending_platform.accounts import WrongAccount
from vending_platform.alerts import Alerting, ProblemKind
from vending_platform.environment import Environment, load
from vending_platform.exporting import current_parts
from vending_platform.ingestion import Summary
from vending_platform.lineage.provenance import NothingToTrace, trace
from vending_platform.observers import Observer, Operation, Result
from vending_platform.opening import Platform
from vending_platform.orchestration import run_daily
from vending_platform.orchestration.alert_sensor import watch_once
from vending_platform.storage import open_storage
from vending_platform.transformation import Transformed
from vending_platform.warehouse import TableName
from vending_platform.warehouse.snowflake import SnowflakeSettings
from vending_platform_tests.alerts.parts import Notebook
from vending_platform_tests.core import Core
from vending_platform_tests.emulators.keys import private_key
from vending_platform_tests.emulators.shapes import REVIEWED
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, day_of, day_of_sales, name
from vending_platform_tests.parsed import Parsed

if TYPE_CHECKING:
    from vending_platform_tests.emulators.cloud import Cloud
    from vending_platform_tests.emulators.live import Live

TRACED = {
    "dim_staff": ["staff_key"],
    "fct_sales": ["transaction_id"],
    "mart_cashless_settlement": ["payment_method_id", "business_date"],
    "mart_machine_daily": ["machine_id", "business_date"],
    "mart_product_daily": ["product_id", "business_date"],
}
EMULATED, LIVE = (pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("snowflake", "live"))


@pytest.fixture(scope="module")
def emulated() -> "Iterator[Cloud]":
    from vending_platform_tests.emulators.cloud import emulated_cloud

    with emulated_cloud() as cloud:
        yield cloud


@pytest.fixture(params=[EMULATED, LIVE])
def cloud(request: pytest.FixtureRequest) -> "Iterator[Cloud | Live]":
    from vending_platform_tests.emulators.live import live_accounts, why_not

    if request.param == "snowflake":
        yield request.getfixturevalue("emulated")
    elif (reason := why_not()) is not None:
        pytest.skip(reason)
    else:
        with live_accounts() as live:
            yield live


@pytest.fixture(params=["sample", pytest.param("untidy fleet", marks=pytest.mark.proof)])
def deliveries(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, bytes]:
    from vending_platform_tests.emulators.cloud import sample

    if request.param == "sample":
        return sample()
    fleet_simulator.generate(tmp_path / "made", machines=5, days=4, seed=7, untidy=True)
    return {path.name: path.read_bytes() for path in (tmp_path / "made" / "sources").rglob("*.csv")}


@pytest.fixture
def kinds(request: pytest.FixtureRequest, deliveries: dict[str, bytes]) -> set[str]:
    """What is built and run. The unit tests of the models run on Snowflake in the proof alone: they are most of what
    an emulator has to do, and the models' SQL is the one that the sample goes through."""
    if "proof" in (mark.name for mark in request.node.iter_markers()):
        return {"model", "seed", "test", "unit_test"}
    request.getfixturevalue("without_unit_tests")
    return {"model", "seed", "test"}


def test_they_agree(
    cloud: "Cloud | Live",
    deliveries: dict[str, bytes],
    kinds: set[str],
    tmp_path: Path,
    manifest: dict[str, Any],
    parsed: Parsed,
) -> None:
    parsed.hand_over()
    cloud.set_up()
    cloud.deliver(deliveries)
    same_on_disk(cloud, tmp_path / "data" / "sources")
    others = {name: value for name, value in os.environ.items() if not name.startswith("VENDING_")}
    with patch.dict(os.environ, others | {"VENDING_DATA_DIR": str(tmp_path / "data")}, clear=True):
        # What is due by now is due in both.
        development = Platform(replace(load(), ingestion_starts="01:00"), manifest)
    staging = open_staging(cloud, manifest, tmp_path)
    outcome = run(development)
    assert outcome == run(staging)
    assert kinds == {name.partition(".")[0] for name, _, _ in outcome["verdicts"]}
    here, there = (everything(platform, is_blocked=outcome["blocked"]) for platform in (development, staging))
    assert here.keys() == there.keys()
    assert sum(rows.total() for rows in here.values()) > 2000
    apart = {
        f"{table}, only in {place}: {min(rows)}"
        for table in here
        for place, rows in (("development", here[table] - there[table]), ("staging", there[table] - here[table]))
        if rows
    }
    assert not apart, "\n".join(sorted(apart))
    assert exports(staging) == exports(development)
    assert len(exports(staging)) > 6
    assert watched(staging) == watched(development)
    queries = list(questions(development))
    answers = traced(development, queries)
    assert answers == traced(staging, queries)
    assert len(answers) == len(queries) == len(TRACED) + 2


@pytest.mark.snowflake
@pytest.mark.usefixtures("without_unit_tests")
def test_no_secret_is_in_anything_that_a_run_leaves(
    emulated: "Cloud", core: Core, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A good run and two that fail: one has no right account, one meets a model that Snowflake refuses."""
    emulated.set_up()
    emulated.deliver(FILES)
    core.hand_over()
    staging = open_staging(emulated, core.manifest, tmp_path)
    staging = replace(staging, environment=replace(staging.environment, project_dir=core.project_dir))
    with log_everything(tmp_path / "log"):
        assert run(staging)["went well"]
        elsewhere = account_of(staging.environment).model_copy(update={"account": "zz98765"})
        with pytest.raises(WrongAccount):
            run(replace(staging, environment=replace(staging.environment, warehouse=elsewhere)))
        emulated.deliver({name(DAYS[0]): day_of_sales(DAYS[0], 1)})
        makes = {shape for shape in REVIEWED if "create or replace" in shape}
        with patch("vending_platform_tests.emulators.snowflake.REVIEWED", REVIEWED - makes):
            assert not run(staging)["went well"]
    printed = capfd.readouterr()
    texts = {"printed": (printed.out + printed.err).encode()}
    texts |= {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    texts |= {f"s3 {key}": content for key, content in emulated.everything().items()}
    texts["statements"] = "\n".join(f"{sent.tag} {sent.sql}" for sent in emulated.snowflake.sent).encode()
    assert any("run_results" in where for where in texts)
    assert any(b"zz98765" in content for where, content in texts.items() if "dagster" in where)
    assert any(b"The emulator refuses" in content for where, content in texts.items() if "s3 " in where)
    secret = [line for line in private_key().splitlines() if "PRIVATE" not in line]
    leaks = {where for where, content in texts.items() for line in secret if line.encode() in content}
    assert leaks == set()


@contextmanager
def log_everything(path: Path) -> Iterator[None]:
    """Everything that any library logs, at its most verbose."""
    handler, root = logging.FileHandler(path), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def open_staging(cloud: "Cloud | Live", manifest: dict[str, Any], folder: Path) -> Platform:
    """With an empty database of its own."""
    home = folder / "scratch"
    settings = cloud.with_empty_database()
    return Platform(replace(settings, scratch=home, dagster_home=home / "dagster", automatic_retries=0), manifest)


def same_on_disk(cloud: "Cloud | Live", sources: Path) -> None:
    """The bucket as a folder: the same paths, contents and moments, as these decide which of two files is the newer."""
    place = open_storage(cloud.environment.places, cloud.environment.aws, encryption=cloud.environment.encryption).raw
    for file in place.files():
        path = sources / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(place.chunks(file)))
        os.utime(path, (file.modified_at.timestamp(),) * 2)


def run(platform: Platform) -> dict[str, Any]:
    """What the run found: everything that does not depend on when and where it was."""
    outcome: dict[str, Any] = {}

    class Noting(Observer):
        def completed(self, operation: Operation, result: Result) -> None:
            match result:
                case Summary():
                    on_ingested(result)
                case Transformed():
                    on_transformed(result)

    def on_ingested(summary: Summary) -> None:
        outcome["loaded"] = sorted((v.path, v.rows_accepted, v.rows_rejected) for v in summary.loaded)
        outcome["quarantined"] = sorted((v.path, v.reason) for v in summary.quarantined)
        outcome["undeclared"] = sorted(undeclared.path for undeclared in summary.undeclared)

    def on_transformed(done: Transformed) -> None:
        outcome["built"] = done.rows
        outcome["blocked"] = bool(done.blocked)
        outcome["verdicts"] = {(n.unique_id, n.status, n.failures) for _, nodes in done.windows for n in nodes}

    days: dict[str, Any] = {"first_day": None, "last_day": None, "every_day": False, "models": []}
    outcome["went well"] = run_daily(platform.observed_by(Noting()), **days)
    return outcome


def everything(platform: Platform, *, is_blocked: bool) -> dict[str, Counter[str]]:
    """Every row of raw, of what was refused, and of every model.

    Where a day of the first month is blocked, a model of whole months need not be there yet; else every model is.
    """
    tables = [f"raw.{source.name}" for source in platform.catalog] + ["raw._rejected_rows"]
    with platform.context.warehouse.reading() as reader:
        tables += [
            f"{model.schema_name}.{model.name}"
            for model in platform.catalog.models
            if not (is_blocked and model.reach.whole_months)
            or reader.has_table(TableName(model.schema_name, model.name))
        ]
        tables.remove("staging.stg_quality__results")  # it contains the run and its time
        return {table: Counter(map(comparable, reader.query(f"select * from {table}").to_pylist())) for table in tables}


def watched(platform: Platform) -> set[tuple[ProblemKind, str]]:
    """What one look of the watch finds wrong, but for what is late: each environment has hours of its own."""
    phone = Notebook("phone")
    with dg.DagsterInstance.ephemeral() as history:
        watch_once(history, ["daily"], platform, Alerting([phone]), datetime.now(UTC))
    return {
        (sent.problem.kind, sent.problem.about) for sent in phone.messages if sent.problem.kind is not ProblemKind.MARTS
    }


def questions(platform: Platform) -> Iterator[tuple[str, dict[str, str]]]:
    """A row of each mart that is traced, and two that there are not."""
    with platform.context.warehouse.reading() as reader:
        for mart, keys in TRACED.items():
            rows = reader.query(f"select {', '.join(keys)} from marts.{mart} order by {', '.join(keys)} limit 1")
            yield mart, {name: str(value) for name, value in rows.to_pylist()[0].items()}
    yield "mart_machine_daily", {"machine": "VM999", "day": "2024-03-04"}
    yield "mart_machine_daily", {"day": "1999-12-31"}


def traced(platform: Platform, queries: list[tuple[str, dict[str, str]]]) -> list[dict[str, Any] | str]:
    """The answers with their lines, but for when the files were loaded; or why there are none."""
    answers: list[dict[str, Any] | str] = []
    with platform.context.warehouse.reading() as reader:
        for mart, row_key in queries:
            try:
                answer = json.loads(
                    trace(platform.catalog, reader, mart, list(row_key.items()), with_lines=True).as_json()
                )
            except NothingToTrace as why:
                answers.append(str(why))
                continue
            for file in (*answer["files"], *answer["missing"]):
                del file["loaded_at"]
            answers.append(answer)
    return answers


def comparable(row: dict[str, Any]) -> str:
    """Every value with its type; a moment is the same one in whatever zone it is written."""
    return repr({name: v.astimezone(UTC) if isinstance(v, datetime) and v.tzinfo else v for name, v in row.items()})


def account_of(settings: Environment) -> SnowflakeSettings:
    assert isinstance(settings.warehouse, SnowflakeSettings)
    return settings.warehouse


def exports(platform: Platform) -> dict[tuple[str, str | None], tuple[int, str]]:
    parts = current_parts(platform.catalog, platform.context.storage.processed)
    return {(name, day_of(part)): (part.rows, part.sha256) for name, part in parts}
