"""What `vending` refuses or can't do is one sentence; and what it makes up."""

import re
import shutil
from pathlib import Path

import pytest

from vending_platform_tests.cli.running import DONE, FAILED, NEEDS_A_PERSON, WRONG_USAGE, deliver, told, vending

WRONG = {
    "no command that exists": (["digest"], "No such command 'digest'"),
    "no option that exists": (["ingest", "--form", "2024-03-05"], "No such option: --form"),
    "first day after the last": (
        ["ingest", "--from", "2024-03-06", "--to", "2024-03-05"],
        "--from 2024-03-06 is after --to 2024-03-05",
    ),
    "all and some days": (["ingest", "--all", "--from", "2024-03-05"], "--all and --from/--to exclude each other"),
    "all and some days again": (["replay", "--all", "--to", "2024-03-05"], "--all and --from/--to exclude each other"),
    "unknown source": (["ingest", "--source", "sale"], "no source is called 'sale'; there are: "),
    "unknown source to replay": (["replay", "--source", "sale"], "no source is called 'sale'"),
    "unknown source to check": (["check", __file__, "--source", "sale"], "no source is called 'sale'"),
    "no such day": (["ingest", "--from", "2024-02-30"], "'2024-02-30' does not match the formats '%Y-%m-%d'"),
    "no day": (["replay", "--to", "yesterday"], "'yesterday' does not match the formats '%Y-%m-%d'"),
    "no file": (["check"], "Missing argument"),
    "no such file": (["check", "nowhere.csv"], "'nowhere.csv' does not exist"),
    "no machines": (["generate", "--machines", "0"], "greater than or equal to 1"),
    "too many machines": (["generate", "--machines", "10000"], "machines"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_told_clearly_and_nothing_is_loaded(data: Path, words: list[str], message: str) -> None:
    result = vending(*words)
    assert result.exit_code == WRONG_USAGE, result.output
    assert message in told(result)
    assert not (data / "dbt_dev.duckdb").exists()


class TestFailures:
    @pytest.mark.parametrize("command", ["ingest", "run"])
    def test_what_keeps_a_command_from_its_work_is_told(self, data: Path, command: str) -> None:
        (data / "dbt_dev.duckdb").write_text("not what a database looks like")
        result = vending(command)
        assert result.exit_code == FAILED
        assert re.search(r"Failed: .*dbt_dev.duckdb can't be opened", told(result))

    @pytest.mark.parametrize("command", ["generate", "dev"])
    def test_what_is_for_a_laptop_is_refused_elsewhere(self, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
        monkeypatch.delenv("VENDING_DATA_DIR")
        variables = {"COMPANY": "hinode", "AWS_ACCOUNT": "012345678901", "SNOWFLAKE_ACCOUNT": "ab12345"}
        for name, value in {"ENV": "staging", **variables}.items():
            monkeypatch.setenv(f"VENDING_{name}", value)
        result = vending(command)
        assert result.exit_code == FAILED
        assert re.search(r"Failed: .*staging", told(result))

    @pytest.mark.parametrize("command", ["ingest", "replay", "status", "generate"])
    def test_settings_that_make_no_sense_are_told_without_a_traceback(
        self, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.setenv("VENDING_ENV", "prod")
        result = vending(command)
        assert result.exit_code == FAILED
        assert "Failed: VENDING_ENV='prod' is not an environment" in told(result)
        assert isinstance(result.exception, SystemExit)

    def test_a_data_folder_that_cannot_be_used_is_told_without_a_traceback(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path
    ) -> None:
        shutil.rmtree(data / "sources")
        (data / "sources").write_text("a file where a folder should be")
        result = vending("ingest")
        assert result.exit_code == FAILED
        assert "Failed: " in told(result)
        assert isinstance(result.exception, SystemExit)

    @pytest.mark.parametrize(
        ("layer", "command"),
        [
            ("environment.load", "status"),
            ("cli.questions.read_status", "status"),
            ("operations.ingest", "ingest"),
            ("ingestion.runs.discover", "ingest"),
            ("storage.local.LocalPlace.files", "ingest"),
            ("warehouse.duckdb.warehouse.DuckDBWarehouse.reading", "quality"),
            ("cli.questions.status_view", "status"),
        ],
    )
    def test_a_fault_of_any_layer_is_one_sentence_and_its_traceback_in_a_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path, layer: str, command: str
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise LookupError("d[b]z token=hunter2")

        monkeypatch.setattr(f"vending_platform.{layer}", broken)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        result = vending(command)
        assert result.exit_code == FAILED
        assert "Failed: LookupError: d[b]z ***. This is a fault of the platform" in told(result)
        assert "Traceback" not in result.output
        (kept,) = tmp_path.glob("vending-*.txt")
        assert "Traceback" in kept.read_text()
        assert "hunter2" not in kept.read_text()

    def test_a_data_folder_with_markup_in_its_name_is_shown_as_it_is(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path / "d[b]z"))
        result = vending("generate", "--machines", "1", "--days", "1")
        assert result.exit_code == DONE, result.output
        assert "d[b]z/sources" in told(result)

    def test_a_file_name_that_would_steer_the_terminal_is_shown_and_does_not(self, data: Path) -> None:
        (data / "sources" / "sales_\x1b[2J\n_20240305.csv").write_bytes(b"x")
        result = vending("ingest")
        assert result.exit_code == NEEDS_A_PERSON
        assert "sales_\\x1b[2J\\n_20240305.csv" in told(result)
        assert "\x1b" not in result.output


class TestGenerate:
    def test_what_it_makes_up_can_be_loaded(self, data: Path) -> None:
        made = vending("generate", "--machines", 2, "--days", 2, "--incidents")
        assert made.exit_code == DONE, made.output
        assert re.match(rf"\d+ files, [\d,]+ rows in {data / 'sources'}\n", made.stdout)
        assert f"What really happened is in {data / 'truth'}" in made.stdout
        assert (data / "truth/incidents.csv").exists()
        assert vending("ingest").exit_code == DONE

    def test_it_does_not_write_among_files_unless_it_is_told_to(self, data: Path, tmp_path: Path) -> None:
        deliver(data, {"mine.csv": b"x"})
        refused = vending("generate", "--machines", 1, "--days", 1)
        assert refused.exit_code == FAILED
        assert "has files already: choose another folder with --into, or add --overwrite" in told(refused)
        assert [path.name for path in (data / "sources").iterdir()] == ["mine.csv"]

        elsewhere = vending("generate", "--machines", 1, "--days", 1, "--into", tmp_path / "other")
        assert elsewhere.exit_code == DONE
        assert (tmp_path / "other/sources/vending_machines.csv").exists()

        assert vending("generate", "--machines", 1, "--days", 1, "--overwrite").exit_code == DONE
        assert (data / "sources/mine.csv").read_bytes() == b"x"
        assert (data / "sources/vending_machines.csv").exists()
