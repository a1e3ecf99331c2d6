"""What the README promises: one command from the sample's deliveries to exports, and again without harm."""

import json
import re
from pathlib import Path

from vending_platform.stopping import STOPPED
from vending_platform_tests.ingestion.raw_folder import sales_file
from vending_platform_tests.lineage.events.sent import sent_events
from vending_platform_tests.lineage.events.specification import check_events
from vending_platform_tests.sample import Sample, vending


def test_the_sample_becomes_marts_and_exports_with_one_command(sample: Sample, tmp_path: Path) -> None:
    stopped, first = sample.stopped, sample.first
    assert (stopped.returncode, stopped.stderr) == (130, f"{STOPPED}\n"), (
        "one sentence, and the code of one who was stopped"
    )
    assert "Loaded " in stopped.stdout
    data = sample.copied(tmp_path / "data")

    assert first.returncode == 3, first.stdout + first.stderr
    assert first.stderr == "", "what Dagster and dbt log is in the history"
    assert "2024-03-01 to 2024-03-14: " in first.stdout
    assert "checks passed" in first.stdout
    why = re.search(r"never built before|the last build did not end well", first.stdout)
    assert why is not None
    assert why.start() < first.stdout.index("Built "), "it prints first what it will do"
    for export in ("sales_by_day", "machine_daily", "product_daily"):
        manifest = json.loads((data / "processed-data" / export / "manifest.json").read_text())
        assert len(manifest["parts"]) == 14
        assert all((data / "processed-data" / part["path"]).is_file() for part in manifest["parts"])

    status = json.loads(vending(data, "status", "--json").stdout)
    assert status["stale_days"] == status["blocked"] == []
    assert {(export["name"], export["day"]) for export in status["exports"]} >= {("sales_by_day", "2024-03-05")}
    assert all(Path(export["path"]).is_file() for export in status["exports"])
    (run,) = (data / "dbt-artifacts").iterdir()
    assert {path.name for path in run.iterdir()} == {"manifest.json", "run_results.json", "catalog.json"}

    assert "gold.fct_sales in the lake: 14 new parts" in vending(data, "run").stdout, "a lake that is gone"
    again = vending(data, "run")
    assert "The marts are up to date." in again.stdout
    assert "The exports are up to date." in again.stdout

    (data / "sources" / "sales_VM001_20240305.csv").write_bytes(sales_file())
    assert vending(data, "ingest").returncode == 3
    every_day = [f"2024-03-{day:02d}" for day in range(1, 15)]  # monthly marts are built for their month
    assert json.loads(vending(data, "status", "--json").stdout)["stale_days"] == every_day
    assert "14 business days to build again (2024-03-01" in vending(data, "status").stdout
    corrected = vending(data, "run")
    assert "2024-03-05: " in corrected.stdout
    assert "sales_by_day/: 1 new file" in corrected.stdout

    one_day = vending(data, "run", "--from", "2024-03-07", "--to", "2024-03-07", "--select", "fct_sales")
    assert "2024-03-07: fct_sales" in one_day.stdout
    assert vending(data, "run", "--select", "nonsense").returncode == 2

    assert vending(data, "lineage", "flush").returncode == 0
    events = sent_events(data)
    check_events(events)
    runs = [event["eventType"] for event in events if event["job"]["name"] == "daily" and event["eventType"] != "START"]
    assert runs == ["ABORT", *["COMPLETE"] * 5]
    assert "No event waits to be sent." in vending(data, "lineage", "status").stdout
