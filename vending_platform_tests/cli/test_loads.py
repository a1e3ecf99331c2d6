"""What `vending` loads, what it shows of it, and the exit code it ends with."""

import fcntl
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vending_platform.stopping import STOPPED
from vending_platform_tests.cli.running import (
    DONE,
    NEEDS_A_PERSON,
    ONE_BAD_ROW,
    PRODUCTS,
    TIDY,
    WRONG_USAGE,
    deliver,
    status,
    told,
    vending,
)
from vending_platform_tests.ingestion.raw_folder import sales_file


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
                ["Of no declared kind (1)", "20240230 in the name is not a valid date"],
            ),
            ("notes [bold].txt", b"x", ["Of no declared kind (1)", "notes [bold].txt: no contract takes this name"]),
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
        assert "Of no declared kind (13)" in result.stdout
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
