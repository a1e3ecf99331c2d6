"""`vending` as a person or a script meets it: what it says, and the exit code it ends with."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from vending_platform.catalog import Catalog
from vending_platform.cli import app
from vending_platform.stopping import STOPPED
from vending_platform_tests.ingestion.raw_folder import machines_file, sales, sales_file, sales_row

DONE, FAILED, WRONG_USAGE, NEEDS_A_PERSON = 0, 1, 2, 3
PRODUCTS = (
    "product_id,jan_code,product_name,category_id,unit_cost,list_price,temperature,shelf_life_days,sold_from,sold_to\n"
    "P0001,4900000000001,緑茶,C1,60,130,cold,270,2024-01-01,\n"
).encode()
TIDY = {
    "vending_machines.csv": machines_file(("VM001", "2024-01-01", "")),
    "products.csv": PRODUCTS,
    "sales_VM001_20240305.csv": sales_file("VM001", "2024-03-05", rows=5),
    "sales_VM001_20240306.csv": sales_file("VM001", "2024-03-06", rows=4),
}
ONE_BAD_ROW = sales(
    sales_row(1),
    sales_row(2, quantity="many"),
    sales_row(3, status="lost", unit_price=-1),
    *map(sales_row, (4, 5, 6, 7)),
)


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog: Catalog, manifest_cache: Path) -> Path:
    """A data folder of its own, in which dbt's manifest is kept already."""
    for name in list(os.environ):
        if name.upper().startswith("VENDING_"):
            monkeypatch.delenv(name)
    data = tmp_path / "data"
    (data / "sources").mkdir(parents=True)
    shutil.copytree(manifest_cache, data / "scratch" / "manifest")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VENDING_DATA_DIR", str(data))
    return data


def deliver(data: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (data / "sources" / name).write_bytes(content)


def vending(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def told(result: Result) -> str:
    """All that was printed, without the frames around it."""
    return re.sub(r"[\s│╭╮╰╯─]+", " ", result.output)


def status() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(vending("status", "--json").stdout)
    return answer


def test_help_names_every_command_and_the_exit_codes() -> None:
    result = vending("--help")
    assert result.exit_code == DONE
    commands = ("ingest", "replay", "check", "status", "trace", "generate", "anonymise")
    assert [name for name in commands if name not in result.output] == []
    assert "0 done, 1 failed, 2 wrong usage, 3 done but something needs a person, 130 or 143 stopped" in told(result)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("ingest", ["--from", "--to", "--all", "--source", "--withdraw", "--verify"]),
        ("replay", ["--from", "--to", "--all", "--source"]),
        ("check", ["files", "--source"]),
        ("run", ["--from", "--to", "--all", "--select", "--skip-code-changes"]),
        ("status", ["--verify", "--json"]),
        ("anonymise", ["--into", "--from", "--to", "--all", "--source", "--into-account", "--key-file", "--dry-run"]),
        ("doctor", ["--json"]),
        ("trace", ["which", "--rows", "--json"]),
        ("generate", ["--machines", "--days", "--seed", "--untidy", "--into", "--overwrite"]),
    ],
)
def test_every_command_explains_its_options(command: str, options: list[str]) -> None:
    result = vending(command, "--help")
    assert result.exit_code == DONE
    assert [option for option in options if option not in result.output] == []


class TestIngest:
    def test_tidy_deliveries_are_loaded_and_a_second_time_there_is_nothing_to_do(self, data: Path) -> None:
        deliver(data, TIDY)
        first = vending("ingest")
        assert first.exit_code == DONE, first.output
        assert "Loaded 4 files" in first.stdout
        assert re.search(r"sales +2 +0 +9 +0\n", first.stdout)
        second = vending("ingest")
        assert second.exit_code == DONE
        assert second.stdout == "Nothing new to load.\n4 files unchanged since last time.\n"

    def test_an_empty_folder_is_fine(self) -> None:
        result = vending("ingest")
        assert (result.exit_code, result.stdout) == (DONE, "Nothing new to load.\n")

    def test_verify_reads_everything_and_finds_the_same(self, data: Path) -> None:
        deliver(data, TIDY)
        vending("ingest")
        result = vending("ingest", "--verify")
        assert result.exit_code == DONE
        assert "4 files delivered again with the same content: nothing to do." in result.stdout

    def test_a_correction_is_counted_as_one(self, data: Path) -> None:
        deliver(data, TIDY)
        vending("ingest")
        deliver(data, {"sales_VM001_20240305.csv": sales_file(rows=7)})
        result = vending("ingest")
        assert result.exit_code == DONE
        assert re.search(r"sales +1 +1 +7 +0\n", result.stdout)
        assert status()["rows"]["sales"] == {"accepted": 11, "rejected": 0}
        assert status()["files"]["superseded"] == 1

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            (
                "sales_VM001_20240305.csv",
                ONE_BAD_ROW,
                ["some rows were rejected (1)", "0305.csv: 2 rows", "check FILE"],
            ),
            ("sales_VM001_20240305.csv", b"", ["In quarantine", "0305.csv: it is empty", "run: vending replay"]),
            (
                "sales_VM001_20240305.csv",
                "売上".encode("utf-16"),
                ["In quarantine", "0305.csv: it is written in UTF-16"],
            ),
            (
                "sales_VM001_20240230.csv",
                sales_file(),
                ["Nobody declared (1)", "20240230 in the name is not a valid date"],
            ),
            ("notes [bold].txt", b"x", ["Nobody declared (1)", "notes [bold].txt: no contract takes this name"]),
        ],
        ids=["bad rows", "empty", "undecodable", "impossible day", "undeclared"],
    )
    def test_what_needs_a_person_is_told_with_what_to_do(
        self, data: Path, name: str, content: bytes, words: list[str]
    ) -> None:
        deliver(data, {name: content})
        result = vending("ingest")
        assert result.exit_code == NEEDS_A_PERSON, result.output
        assert [phrase for phrase in words if phrase not in told(result)] == []

    def test_of_many_things_of_one_kind_ten_are_shown_and_the_rest_is_counted(self, data: Path) -> None:
        deliver(data, {f"note{number:02}.txt": b"" for number in range(13)})
        result = vending("ingest")
        assert "Nobody declared (13)" in result.stdout
        assert len(re.findall(r"note\d\d\.txt", result.stdout)) == 10
        assert "… and 3 more" in result.stdout

    def test_a_file_that_is_gone_keeps_its_rows_until_a_person_withdraws_it(self, data: Path) -> None:
        deliver(data, TIDY)
        vending("ingest")
        (data / "sources/products.csv").unlink()
        gone = vending("ingest")
        assert gone.exit_code == NEEDS_A_PERSON
        assert "products.csv → If they are meant to be gone: vending ingest --withdraw" in told(gone)
        assert status()["withdrawn"] == ["products.csv"]
        withdrawn = vending("ingest", "--withdraw")
        assert withdrawn.exit_code == NEEDS_A_PERSON, "a master that everything needs is absent now"
        assert "1 file withdrawn: the rows are out of raw." in withdrawn.stdout
        assert status()["withdrawn"] == []
        assert status()["rows"]["products"] == {"accepted": 0, "rejected": 0}

    @pytest.mark.parametrize(
        ("options", "days"),
        [
            (["--from", "2024-03-06"], 1),
            (["--to", "2024-03-05"], 1),
            (["--from", "2024-03-05", "--to", "2024-03-06"], 2),
            (["--from", "2024-03-07"], 0),
            (["--all"], 2),
        ],
    )
    def test_only_the_chosen_days_are_loaded_and_masters_always(
        self, data: Path, options: list[str], days: int
    ) -> None:
        deliver(data, TIDY)
        assert f"Loaded {days + 2} files" in vending("ingest", *options).stdout

    def test_only_the_chosen_sources_are_loaded(self, data: Path) -> None:
        deliver(data, TIDY)
        vending("ingest", "--source", "products", "--source", "sales")
        assert {source for source, rows in status()["rows"].items() if rows["accepted"]} == {"products", "sales"}

    def test_while_it_waits_it_says_for_whom_and_can_be_stopped(self, data: Path) -> None:
        holder = {"pid": 4711, "purpose": "the nightly load", "since": "2024-03-05"}
        (data / "dbt_dev.lock").write_text(json.dumps(holder))
        with (data / "dbt_dev.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            run = subprocess.Popen(
                [sys.executable, "-m", "vending_platform", "ingest"],
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
            )
            assert run.stderr is not None
            waits = run.stderr.readline()
            run.send_signal(signal.SIGINT)
            _, rest = run.communicate(timeout=30)
        assert waits == "Waiting for the nightly load (process 4711, since 2024-03-05) …\n"
        assert rest == f"{STOPPED}\n"
        assert run.returncode == 130


@pytest.mark.parametrize(("words", "code"), [(["--help"], DONE), (["ingest", "--form"], WRONG_USAGE)])
def test_the_process_ends_when_all_is_said_and_not_later(words: list[str], code: int) -> None:
    program = """
import atexit
from vending_platform.__main__ import main
class Module:
    def __del__(self): print("taken apart")
left = Module()
atexit.register(lambda: print("the last word"))
main()
"""
    run = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert run.returncode == code
    assert run.stdout.splitlines()[-1] == "the last word"
    assert ("Usage" in run.stdout) == (code == DONE)
    assert ("--form" in run.stderr) == (code == WRONG_USAGE)


class TestReplay:
    def test_with_nothing_to_read_again_it_is_done(self, data: Path) -> None:
        deliver(data, TIDY)
        vending("ingest")
        result = vending("replay")
        assert (result.exit_code, result.stdout) == (DONE, "Nothing new to load.\n")

    def test_what_is_still_broken_still_needs_a_person(self, data: Path) -> None:
        deliver(data, TIDY | {"sales_VM001_20240305.csv": ONE_BAD_ROW, "sales_VM001_20240306.csv": b""})
        vending("ingest")
        result = vending("replay")
        assert result.exit_code == NEEDS_A_PERSON
        assert "In quarantine, because the whole file can't be used (1)" in result.stdout
        assert status()["files"] | {"loaded": 3, "quarantined": 1} == status()["files"]

    def test_only_the_chosen_days_are_read_again(self, data: Path) -> None:
        deliver(data, {"sales_VM001_20240305.csv": b""})
        vending("ingest")
        later, earlier = vending("replay", "--from", "2024-03-06"), vending("replay", "--to", "2024-03-05")
        assert "sales_VM001_20240305.csv" not in later.stdout
        assert "sales_VM001_20240305.csv" in earlier.stdout
        assert (later.exit_code, earlier.exit_code) == (NEEDS_A_PERSON, NEEDS_A_PERSON), "it is open either way"


class TestStatus:
    def test_before_anything_was_loaded_there_is_nothing_to_tell(self) -> None:
        result = vending("status")
        assert result.exit_code == DONE
        assert result.stdout.startswith(
            "Files: 0 loaded, 0 superseded, 0 quarantined, 0 withdrawn, 0 archived, 0 undec"
        )

    def test_when_all_is_well_it_ends_with_done(self, data: Path) -> None:
        deliver(data, TIDY)
        vending("ingest")
        result = vending("status")
        assert result.exit_code == DONE, result.output
        assert "Files: 4 loaded" in result.stdout
        assert re.search(r"sales +9 +0\n", result.stdout)

    def test_the_answer_for_machines_has_the_documented_keys(self, data: Path) -> None:
        deliver(
            data,
            {
                "vending_machines.csv": machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-03-06", "")),
                "sales_VM001_20240304.csv": b"",
                "sales_VM001_20240305.csv": ONE_BAD_ROW,
                "sales_VM001_20240307.csv": sales_file("VM001", "2024-03-07"),
                "sales_VM009_20240307.csv": sales_file("VM009", "2024-03-07"),
                "notes.txt": b"x",
            },
        )
        vending("ingest")
        result = vending("status", "--json")
        assert result.exit_code == NEEDS_A_PERSON
        answer = json.loads(result.stdout)
        assert answer["files"] == {
            "loaded": 4,
            "superseded": 0,
            "quarantined": 1,
            "withdrawn": 0,
            "archived": 0,
            "undeclared": 1,
        }
        assert answer["rows"]["sales"] == {"accepted": 15, "rejected": 2}
        assert answer["missing"] == [
            {"source": "sales", "sender": "VM001", "business_day": "2024-03-06"},
            {"source": "sales", "sender": "VM002", "business_day": "2024-03-06"},
            {"source": "sales", "sender": "VM002", "business_day": "2024-03-07"},
        ]
        assert [row["path"] for row in answer["quarantined"]] == ["sales_VM001_20240304.csv"]
        assert answer["undeclared"] == [{"path": "notes.txt", "reason": "no contract takes this name"}]
        assert answer["unknown_senders"] == {"machine": ["VM009"]}
        assert answer["required_but_absent"] == ["products"]
        assert answer["code_changes"] == answer["damaged_exports"] == answer["unreadable"] == []

    def test_a_machine_that_is_silent_for_long_is_one_line(self, data: Path) -> None:
        days = [f"2024-03-{day:02}" for day in range(1, 7)]
        deliver(data, {"vending_machines.csv": machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-01-01", ""))})
        deliver(data, {f"sales_VM001_{day.replace('-', '')}.csv": sales_file("VM001", day) for day in days})
        vending("ingest")
        result = vending("status")
        assert result.exit_code == NEEDS_A_PERSON
        line = "sales of machine VM002: 2024-03-01, 2024-03-02, 2024-03-03 … 2024-03-06 (6 days)"
        assert f"Missing: due, but nothing came (1) {line}" in told(result)


class TestCheck:
    def test_a_file_that_is_fine_is_done(self, tmp_path: Path) -> None:
        path = tmp_path / "sales_VM001_20240305.csv"
        path.write_bytes(sales_file())
        result = vending("check", path)
        assert result.exit_code == DONE
        assert result.stdout == "sales_VM001_20240305.csv as sales, utf-8\n  5 rows accepted, 0 rejected\n"

    def test_each_bad_row_is_shown_with_line_column_and_reason(self, tmp_path: Path, data: Path) -> None:
        path = tmp_path / "sales_VM001_20240305.csv"
        path.write_bytes(ONE_BAD_ROW)
        result = vending("check", path)
        assert result.exit_code == NEEDS_A_PERSON
        assert "5 rows accepted, 2 rejected" in result.stdout
        assert "line 3, column quantity: quantity 'many' is not a whole number" in result.stdout
        assert "line 4, column unit_price: unit_price '-1' is less than 0; status 'lost' is none of:" in result.stdout
        assert not (data / "dbt_dev.duckdb").exists(), "checking loads nothing"

    def test_all_files_are_checked_and_one_that_is_not_fine_counts(self, tmp_path: Path) -> None:
        contents = {"sales_VM001_20240305.csv": b"", "whatever.csv": b"a\n1\n", "products.csv": PRODUCTS}
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
        result = vending("check", *(tmp_path / name for name in contents))
        assert result.exit_code == NEEDS_A_PERSON
        assert "would go to quarantine: it is empty" in result.stdout
        assert "no contract takes this name; name the contract with --source to check it all the same" in result.stdout
        assert "products.csv as products, utf-8\n  1 row accepted, 0 rejected\n" in result.stdout

    def test_a_file_of_any_name_can_be_held_against_a_contract(self, tmp_path: Path) -> None:
        (tmp_path / "goods.csv").write_bytes(PRODUCTS)
        assert vending("check", tmp_path / "goods.csv", "--source", "products").exit_code == DONE


WRONG = {
    "no command that exists": (["digest"], "No such command 'digest'"),
    "no option that exists": (["ingest", "--form", "2024-03-05"], "No such option: --form"),
    "first day after the last": (
        ["ingest", "--from", "2024-03-06", "--to", "2024-03-05"],
        "--from 2024-03-06 is after --to 2024-03-05",
    ),
    "all and some days": (["ingest", "--all", "--from", "2024-03-05"], "--all and --from/--to exclude each other"),
    "all and some days again": (["replay", "--all", "--to", "2024-03-05"], "--all and --from/--to exclude each other"),
    "unknown source": (["ingest", "--source", "sale"], "no source is called 'sale'; there are: payment_methods, prod"),
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
            ("cli.read_status", "status"),
            ("operations.ingest", "ingest"),
            ("ingestion.runs.discover", "ingest"),
            ("storage.local.LocalPlace.files", "ingest"),
            ("warehouse.duckdb.warehouse.DuckDBWarehouse.reading", "quality"),
            ("wording.tell_status", "status"),
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


class TestTrace:
    def test_what_is_asked_wrongly_is_wrong_usage_and_what_is_not_there_failed(self, data: Path) -> None:
        wrong = vending("trace", "marts.mart_machine_dayly", "day=2024-03-05")
        assert wrong.exit_code == WRONG_USAGE
        assert "did you mean marts.mart_machine_daily" in told(wrong)
        unsaid = vending("trace", "marts.mart_machine_daily", "2024-03-05")
        assert unsaid.exit_code == WRONG_USAGE
        assert "write column=value" in told(unsaid)
        deliver(data, TIDY)
        vending("ingest")
        never = vending("trace", "marts.mart_machine_daily", "day=2024-03-05")
        assert never.exit_code == FAILED
        assert "marts.mart_machine_daily is not built here; build it with: vending run" in told(never)

    def test_files_and_lines_are_named_and_a_writer_is_not_waited_for(self, data: Path) -> None:
        deliver(data, TIDY)
        vending("ingest")
        with duckdb.connect(data / "dbt_dev.duckdb") as warehouse:
            builds = (
                "model varchar, business_date date, raw_version varchar, code varchar, checks_passed boolean, rows int"
            )
            warehouse.execute(f"create table raw._builds ({builds})")
            warehouse.execute(
                "insert into raw._builds values ('mart_machine_daily', '2024-03-05', 'some', '', true, 1)"
            )
            warehouse.execute("create schema marts")
            sums = (
                "select machine_id, _business_date as business_date, sum(quantity) as units from raw.sales group by all"
            )
            warehouse.execute(f"create table marts.mart_machine_daily as {sums}")
        asked = ("trace", "marts.mart_machine_daily", "machine=VM001", "day=2024-03-05")
        sold = (data / "sources" / "sales_VM001_20240305.csv").read_bytes()
        files = vending(*asked)
        assert files.exit_code == DONE, files.output
        assert "sales_VM001_20240305.csv as sales, 5 of 5 rows" in files.stdout
        assert hashlib.sha256(sold).hexdigest() in files.stdout
        assert "line 2" not in files.stdout
        assert "It is to be built again" in files.stdout, "some version is not the one that is there"
        lines = vending(*asked, "--rows")
        assert "line 2: transaction_id VM001-2024-03-05-0001" in lines.stdout
        as_json = json.loads(vending(*asked, "--rows", "--json").stdout)
        assert [len(file["lines"]) for file in as_json["files"] if file["source"] == "sales"] == [5]
        with duckdb.connect(data / "dbt_dev.duckdb"):
            busy = vending(*asked)
        assert busy.exit_code == FAILED
        assert "a load or a build is under way" in told(busy)
