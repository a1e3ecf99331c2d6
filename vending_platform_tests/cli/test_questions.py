"""What `vending` answers about what there is."""

import hashlib
import json
import re
from pathlib import Path

import duckdb

from vending_platform_tests.cli.running import (
    DONE,
    FAILED,
    NEEDS_A_PERSON,
    ONE_BAD_ROW,
    TIDY,
    WRONG_USAGE,
    deliver,
    told,
    vending,
)
from vending_platform_tests.ingestion.raw_folder import machines_file, sales_file


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
