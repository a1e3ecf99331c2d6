"""From the delivered files to the exports and back, by table and by column."""

from pathlib import Path
from typing import Any

import pytest

from vending_platform.analysis import load_pipelines
from vending_platform.catalog import Catalog
from vending_platform.environment import load
from vending_platform.lineage.columns import Influence
from vending_platform.lineage.graph import Direction, LineageGraph, Point, WrongName, lineage_graph

A, B, C = Point("raw", "a"), Point("marts", "b"), Point("exports", "c")
IDENTITY, FILTER = (Influence.IDENTITY,), (Influence.FILTER,)


@pytest.fixture
def graph() -> LineageGraph:
    def of(point: Point, name: str) -> Point:
        return Point(point.schema, point.table, name)

    return LineageGraph(
        {B: {A: ()}, C: {B: ()}},
        {
            of(B, "x"): {of(A, "x"): IDENTITY, of(A, "kind"): FILTER},
            of(B, "y"): {of(A, "x"): (Influence.AGGREGATION, Influence.FILTER)},
            of(C, "x"): {of(B, "x"): IDENTITY},
        },
        {A: ("x", "kind"), B: ("x", "y"), C: ("x",)},
    )


def way(graph: LineageGraph, name: str, direction: Direction, *, indirect: bool = True) -> list[tuple[str, int, str]]:
    steps = graph.walk(graph.find(name), direction, indirect=indirect)
    return [(str(step.point), step.distance, str(step.before)) for step in steps]


def test_tables_and_columns_are_followed_both_ways(graph: LineageGraph) -> None:
    up, down = Direction.UPSTREAM, Direction.DOWNSTREAM
    assert way(graph, "c", up) == [("marts.b", 1, "exports.c"), ("raw.a", 2, "marts.b")]
    assert way(graph, "raw.a", down) == [("marts.b", 1, "raw.a"), ("exports.c", 2, "marts.b")]
    assert way(graph, "c.x", up) == [
        ("marts.b.x", 1, "exports.c.x"),
        ("raw.a.kind", 2, "marts.b.x"),
        ("raw.a.x", 2, "marts.b.x"),
    ]
    assert [point for point, *_ in way(graph, "c.x", up, indirect=False)] == ["marts.b.x", "raw.a.x"]
    assert [point for point, *_ in way(graph, "A.X", down)] == ["marts.b.x", "exports.c.x", "marts.b.y"]
    assert [point for point, *_ in way(graph, "raw.a.kind", down, indirect=False)] == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("marts.b.z", "marts.b has no column 'z'; it has: x, y"),
        ("b.z", "marts.b has no column 'z'; it has: x, y"),
        ("marts.bb", r"no table and no export is called 'marts.bb'; did you mean marts.b\?"),
        ("quite_different", "no table and no export is called 'quite_different'; vending lineage export lists them"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(graph: LineageGraph, name: str, answer: str) -> None:
    with pytest.raises(WrongName, match=answer):
        graph.find(name)


def test_all_of_it_can_be_written_for_a_page(graph: LineageGraph) -> None:
    written = graph.as_json()
    assert {"name": "raw.a", "columns": ["x", "kind"]} in written["tables"]
    assert {"from": "raw.a", "to": "marts.b", "how": []} in written["edges"]
    assert {"from": "raw.a.x", "to": "marts.b.y", "how": ["AGGREGATION", "FILTER"]} in written["edges"]


def test_tables_of_a_project_that_was_never_built_are_known_and_its_columns_are_not(
    manifest: dict[str, Any], catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    graph = lineage_graph(load(), manifest, catalog)
    names = [str(step.point) for step in graph.walk(graph.find("sales_by_day"), Direction.UPSTREAM)]
    assert names[0] == "marts.fct_sales"
    assert "files.sales" in names
    orders = [str(step.point) for step in graph.walk(graph.find("fct_shop_orders"), Direction.UPSTREAM)]
    assert {"files.shop_orders", "systems.shop/orders"} < set(orders)
    assert len(graph.unknown) == sum(node["resource_type"] == "model" for node in manifest["nodes"].values())
    assert [str(step.point) for step in graph.walk(graph.find("sales_by_day.quantity"), Direction.UPSTREAM)] == [
        "marts.fct_sales.quantity"
    ]


def test_results_of_functions_stand_between_what_they_take_and_what_is_made_of_their_deliveries(
    manifest: dict[str, Any], catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    graph = lineage_graph(load(), manifest, catalog, load_pipelines("vending_platform.defs.vending.analysis"))

    def around(name: str, direction: Direction) -> set[str]:
        return {str(step.point) for step in graph.walk(graph.find(name), direction)}

    assert around("fct_stockouts", Direction.DOWNSTREAM) >= {
        "ml.unit_forecasts",
        "files.daily_unit_forecasts",
        "raw.daily_unit_forecasts",
        "marts.mart_replenishment_recommendation",
    }
    assert {"analysis.cleaned_sales_data", "marts.fct_sales"} < around("trend_analysis", Direction.UPSTREAM)
    assert "ml.earlier_errors" not in around("forecast_errors", Direction.UPSTREAM)
