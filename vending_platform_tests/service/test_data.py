"""Quality and lineage over HTTP are the terminal's, and SQL in a field is only text."""

import json

import pytest
from starlette.testclient import TestClient

from vending_platform.lineage.provenance import trace
from vending_platform.opening import Platform
from vending_platform.status import read_quality

SALES = "/api/lineage/trace/fct_sales"
SQL = ["' or 1=1 --", "1; drop table raw._files", "x' union select * from raw.staff --", "\"; attach 'x' as y; --"]


def test_quality_is_what_the_terminal_shows(client: TestClient, platform: Platform) -> None:
    answer = client.get("/api/quality").json()
    found, _ = read_quality(platform)
    assert answer["is_being_written"] is False
    if found is None:
        assert answer["quality"] is None
    else:
        assert answer["quality"]["scores"] == json.loads(found.as_json())["scores"]


def test_the_trace_of_a_number_is_the_terminals(client: TestClient, platform: Platform) -> None:
    where = [("day", "2024-03-02"), ("machine", "VM001")]
    with platform.context.warehouse.reading() as reader:
        expected = json.loads(trace(platform.catalog, reader, "fct_sales", where, with_lines=True).as_json())
    answer = client.get(SALES, params={"where": [f"{name}={value}" for name, value in where], "lines": True}).json()
    assert [file["path"] for file in answer["files"]] == [file["path"] for file in expected["files"]]
    assert answer["files"][0]["lines"] == expected["files"][0]["lines"] != []
    assert "山田" not in json.dumps(answer, ensure_ascii=False)


@pytest.mark.parametrize(
    ("where", "status"),
    [
        (["day=2024-03-02", "machine=VM999"], 404),
        (["no_such_column=1"], 422),
        (["day=yesterday"], 422),
        (["day"], 422),
        (["=1"], 422),
        ([f"machine={'x' * 600}"], 422),
        ([], 422),
        (["day=2024-03-02"] * 21, 422),
    ],
)
def test_a_trace_of_nothing_says_why(client: TestClient, where: list[str], status: int) -> None:
    answer = client.get(SALES, params={"where": where})
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_trace_while_a_run_writes_says_when_to_come_back(client: TestClient, platform: Platform) -> None:
    import subprocess
    import sys

    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read(); c.close()"
    )
    path = platform.environment.warehouse.path  # type: ignore[attr-defined]
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        answer = client.get(SALES, params={"where": ["day=2024-03-02"]})
        status = client.get("/api/pipeline/status").json()
        quality = client.get("/api/quality").json()
        writer.stdin.close()
        writer.wait()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert status["data"]["missing_count"] > 0
    assert status["data"]["is_being_written"] is quality["is_being_written"] is True


def test_columns_are_followed_in_both_directions(client: TestClient) -> None:
    up = client.get("/api/lineage/columns/marts.mart_product_daily/sales_with_tax").json()
    assert {"schema": "raw", "table": "sales", "column": "unit_price"} in up["columns"]
    down = client.get("/api/lineage/columns/sales/unit_price", params={"direction": "downstream"}).json()
    assert down["of"] == {"schema": "raw", "table": "sales", "column": "unit_price"}
    assert {"schema": "marts", "table": "mart_product_daily", "column": "sales_with_tax"} in down["columns"]
    ends = {(edge["source"]["table"], edge["target"]["table"]) for edge in down["edges"]}
    assert all(target != "sales" for _, target in ends)


@pytest.mark.parametrize("address", ["nothing/a", "fct_sales/nothing", "raw.fct_sales/sales_with_tax"])
def test_a_column_that_is_not_there_is_not_found(client: TestClient, address: str) -> None:
    assert client.get(f"/api/lineage/columns/{address}").status_code == 404


@pytest.mark.parametrize("sql", SQL)
def test_sql_in_any_field_is_only_text(client: TestClient, platform: Platform, sql: str) -> None:
    answers = [
        client.get(SALES, params={"where": [f"machine={sql}"]}),
        client.get(SALES, params={"where": [f"{sql}=1"]}),
        client.get(f"/api/lineage/trace/{sql}", params={"where": ["day=2024-03-02"]}),
        client.get(f"/api/lineage/columns/fct_sales/{sql}"),
        client.get("/api/quality", params={"dataset": sql}),
        client.get("/api/quality", params={"day": sql}),
        client.get("/api/pipeline/runs", params={"job": sql}),
        client.get("/api/pipeline/runs", params={"after": sql}),
        client.get("/api/pipeline/status", params={"run": sql}),
        client.get(f"/api/exports/{sql}"),
        client.get(f"/api/exports/sales_by_day/files/{sql}"),
        client.post("/api/pipeline/export", json={"exports": [sql]}),
        client.post("/api/pipeline/export", json={}, headers={"Idempotency-Key": sql}),
    ]
    assert {answer.status_code for answer in answers[:-1]} <= {404, 422}
    for answer in answers:
        assert "select" not in answer.text.lower().replace(sql.lower(), "")
        assert "duckdb" not in answer.text.lower()
    with platform.context.warehouse.reading() as reader:
        assert reader.query("select count(*) as n from raw._files")["n"][0].as_py() > 0
