"""Production transforms with what staging has verified, and with nothing else unless a person says why."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from vending_platform import operations
from vending_platform.environment import CodeChanges, Environment, Places, Verification, load
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.promotion import PromotionError, sign_off, unpack, verified_versions
from vending_platform.status import read_status
from vending_platform.storage import LocalPlace
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES
from vending_platform_tests.history import history_in
from vending_platform_tests.observing import Kept

MONDAY, TUESDAY = datetime(2024, 3, 4, 3, tzinfo=UTC), datetime(2024, 3, 5, 3, tzinfo=UTC)
MODEL = Path("models/marts/vending/mart_product_daily.sql")
CHANGE = "\n-- not as it was\n"


@pytest.fixture
def project(tmp_path: Path, core: Core) -> Path:
    return shutil.copytree(core.project_dir, tmp_path / "dbt_project")


@pytest.fixture
def artifacts(tmp_path: Path) -> LocalPlace:
    (tmp_path / "artifacts").mkdir()
    return LocalPlace(tmp_path / "artifacts")


def change(project: Path) -> None:
    (project / MODEL).write_text((project / MODEL).read_text() + CHANGE)


def signed(artifacts: LocalPlace, project: Path, now: datetime, revision: str = "a1b2c3d") -> str:
    return sign_off(artifacts, project, revision=revision, run_id=f"run of {now:%A}", now=now).project


class TestVersions:
    def test_the_last_one_is_first_and_one_that_was_verified_before_stays_as_it_was(
        self, artifacts: LocalPlace, project: Path
    ) -> None:
        older = signed(artifacts, project, MONDAY)
        change(project)
        newer = signed(artifacts, project, TUESDAY)
        assert [version.project for version in verified_versions(artifacts)] == [newer, older]
        before = verified_versions(artifacts)
        signed(artifacts, project, MONDAY, revision="another")
        assert verified_versions(artifacts) == before

    def test_it_is_unpacked_as_it_was_whatever_the_project_is_now(
        self, artifacts: LocalPlace, project: Path, tmp_path: Path
    ) -> None:
        signed(artifacts, project, MONDAY)
        (version,) = verified_versions(artifacts)
        before = (project / MODEL).read_text()
        change(project)
        for _ in range(2):
            folder = unpack(artifacts, version, tmp_path / "kept")
            assert (folder / MODEL).read_text() == before

    def test_half_of_it_is_never_taken_for_the_whole(
        self, artifacts: LocalPlace, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        signed(artifacts, project, MONDAY)
        (version,) = verified_versions(artifacts)

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", stop)
            with pytest.raises(KeyboardInterrupt):
                unpack(artifacts, version, tmp_path / "kept")
        assert list((tmp_path / "kept").iterdir()) == []
        assert (unpack(artifacts, version, tmp_path / "kept") / MODEL).is_file()

    def test_a_marker_that_arrived_before_its_files_does_not_count_yet(
        self, artifacts: LocalPlace, project: Path
    ) -> None:
        name = signed(artifacts, project, MONDAY)
        artifacts.delete(f"promotion/verified/{name}.zip")
        assert verified_versions(artifacts) == []

    def test_files_that_are_not_those_that_were_verified_are_refused(
        self, artifacts: LocalPlace, project: Path, tmp_path: Path
    ) -> None:
        name = signed(artifacts, project, MONDAY)
        (version,) = verified_versions(artifacts)
        artifacts.write(f"promotion/verified/{name}.zip", b"PK")
        with pytest.raises(PromotionError, match="are not those that were verified"):
            unpack(artifacts, version, tmp_path / "kept")
        assert not (tmp_path / "kept" / name).exists()


@pytest.fixture
def production(project: Path, core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Production, but for where it is."""
    return Platform(replace(at_home(tmp_path, Verification.NEEDED, monkeypatch), project_dir=project), core.manifest)


def at_home(folder: Path, verification: Verification, monkeypatch: pytest.MonkeyPatch) -> Environment:
    (folder / "sources").mkdir()
    monkeypatch.setenv("VENDING_DATA_DIR", str(folder))
    places = Places(*(str(folder / name) for name in ("sources", "processed", "artifacts", "work")))
    return replace(load(), verification=verification, places=places, revision="a1b2c3d")


def noting(platform: Platform) -> tuple[Platform, Kept]:
    kept = Kept()
    return platform.observed_by(kept), kept


class TestProduction:
    def test_a_verified_version_is_used_as_it_is_deployed(
        self, production: Platform, artifacts: LocalPlace, project: Path
    ) -> None:
        signed(artifacts, project, MONDAY)
        platform, kept = noting(production)
        assert operations.trusted(platform, "r1") is platform
        assert kept.notices == []

    def test_of_one_that_is_not_the_last_verified_one_takes_the_place(
        self, production: Platform, artifacts: LocalPlace, project: Path
    ) -> None:
        signed(artifacts, project, MONDAY)
        before = (project / MODEL).read_text()
        change(project)
        platform, kept = noting(production)
        trusted = operations.trusted(platform, "r1")
        assert (trusted.project.project_dir / MODEL).read_text() == before
        assert [model.code for model in trusted.catalog.models] == [model.code for model in platform.catalog.models]
        assert ["is not verified by staging" in notice and "a1b2c3d" in notice for notice in kept.notices] == [True]

    def test_a_person_may_say_otherwise_and_that_is_kept(self, production: Platform, artifacts: LocalPlace) -> None:
        platform, kept = noting(replace(production, unverified_because="staging is being moved"))
        assert operations.trusted(platform, "r1") is platform
        override = json.loads(b"".join(artifacts.read_path("promotion/overrides/r1.json")))
        assert (override["because"], override["revision"]) == ("staging is being moved", "a1b2c3d")
        assert "staging is being moved" in kept.notices[0]

    def test_without_any_verified_version_nothing_transforms(self, production: Platform) -> None:
        with pytest.raises(PromotionError, match=r"verified no version yet.*--unverified"):
            operations.transform(production, "r1")

    def test_a_model_that_only_the_newer_version_has_is_refused_by_name(
        self, production: Platform, artifacts: LocalPlace, project: Path
    ) -> None:
        signed(artifacts, project, MONDAY)
        with pytest.raises(PromotionError, match="does not have mart_of_tomorrow"):
            operations.transform(production, "r1", models=["mart_of_tomorrow"])


def test_a_good_run_in_staging_is_what_production_waits_for(
    project: Path, artifacts: LocalPlace, core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = Platform(replace(at_home(tmp_path, Verification.GIVEN, monkeypatch), project_dir=project), core.manifest)
    for name, content in FILES.items():
        (tmp_path / "sources" / name).write_bytes(content)
    assert "not verified yet" in operations.sign_off(staging, "before")
    assert daily(staging).success
    (version,) = verified_versions(artifacts)
    assert version.revision == "a1b2c3d"

    newer = replace(staging)
    models = (replace(m, code=f"{m.code}'") if m.name == MODEL.stem else m for m in staging.catalog.models)
    newer.__dict__["catalog"] = replace(staging.catalog, models=tuple(models))
    assert operations.sign_off(newer, "after").endswith(f"not built and checked as now written are {MODEL.stem}.")

    (changed,) = read_status(newer).code_changes
    assert (changed.models, len(changed.days)) == ((MODEL.stem,), len(DAYS))
    waiting = replace(staging, environment=replace(staging.environment, code_changes=CodeChanges.WAIT))
    waiting.__dict__["catalog"] = newer.catalog
    done = operations.transform(waiting, "nobody watches")
    assert (done.windows, done.plan.postponed) == ([], (changed,)), "the environment's policy"

    change(project)
    production = replace(staging, environment=replace(staging.environment, verification=Verification.NEEDED))
    day = date.fromisoformat(DAYS[0])
    done = operations.transform(
        production, "r1", first_day=day, last_day=day, anew=datetime.now(UTC), models=[MODEL.stem]
    )
    assert (MODEL.stem, day) in done.rows
    compiled = [path.read_text() for path in (staging.environment.scratch / "dbt").rglob(MODEL.name)]
    assert [CHANGE in code for code in compiled] == [False] * len(compiled) != []


def daily(platform: Platform) -> dg.ExecuteInProcessResult:
    job = assemble(platform, {}).resolve_job_def("daily")
    with history_in(platform.environment.dagster_home) as history:
        return job.execute_in_process(instance=history, raise_on_error=False)
