"""What went wrong by the truth at a machine is what its files show, and nothing else is different in them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from fleet_simulator import generate, incidents
from fleet_simulator.demand import COMPLETED, FAILED, REFUNDED, Attempts

from .reading import contracts, judge, source_of, table, tree

MACHINES, DAYS, SEED = 20, 60, 7


@pytest.fixture(scope="module")
def unlucky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unlucky")
    generate(folder, machines=MACHINES, days=DAYS, seed=SEED, incidents=True)
    return folder


@pytest.fixture(scope="module")
def lucky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same machines and people, and nothing goes wrong."""
    folder = tmp_path_factory.mktemp("lucky")
    generate(folder, machines=MACHINES, days=DAYS, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def happened(unlucky: Path) -> dict[str, list[dict[str, str]]]:
    by_kind: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in table(unlucky / "truth/incidents.csv"):
        by_kind[row["kind"]].append(row)
    return by_kind


def vends(folder: Path, machine: str = "VM") -> list[dict[str, str]]:
    return [row for path in sorted((folder / "sources").glob(f"sales_{machine}*")) for row in table(path)]


def collections(folder: Path) -> dict[str, dict[str, str]]:
    rows = [row for path in (folder / "sources").glob("replenishment_*") for row in table(path)]
    return {row["visit_id"]: row for row in rows if row["cash_collected"]}


def yen(rows: list[dict[str, str]]) -> int:
    return sum(int(row["quantity"]) * int(row["unit_price"]) for row in rows if row["status"] == "completed")


def test_every_kind_happens_to_the_machines_it_is_meant_for(happened: dict[str, list[dict[str, str]]]) -> None:
    machines = {kind: sorted({row["machine_id"] for row in rows}) for kind, rows in happened.items()}
    assert len(machines.pop("miscount")) > 10
    assert machines == {
        "theft": ["VM003", "VM007", "VM011", "VM015", "VM019"],
        "dead": ["VM002", "VM007", "VM012", "VM017"],
        "wrong_price": ["VM008", "VM017"],
    }


def test_missing_cash_is_missing_in_the_box_and_nowhere_else(
    unlucky: Path, happened: dict[str, list[dict[str, str]]]
) -> None:
    starts = {row["visit_id"]: (row["machine_id"], row["started_at"]) for row in table(unlucky / "truth/visits.csv")}
    missing = {row["visit_id"]: int(row["yen"]) for row in happened["theft"] + happened["miscount"]}
    thefts = [-int(row["yen"]) for row in happened["theft"]]
    assert all(stolen >= 2000 and stolen % 1000 == 0 for stolen in thefts)
    assert {abs(int(row["yen"])) for row in happened["miscount"]} <= set(range(10, 101, 10))
    assert {int(row["yen"]) > 0 for row in happened["miscount"]} == {True, False}
    collected = collections(unlucky)
    assert missing.keys() <= collected.keys() == starts.keys()
    last: dict[str, tuple[str, int]] = {}
    sold = defaultdict(list)
    for row in vends(unlucky):
        sold[row["machine_id"]].append(row)
    for visit_id, (machine, start) in sorted(starts.items(), key=lambda visit: visit[1]):
        before, meter = last.get(machine, ("", 0))
        since = [row for row in sold[machine] if before <= row["sold_at"] < start]
        cash = yen([row for row in since if row["payment_method_id"] == "PM01"])
        assert int(collected[visit_id]["cash_collected"]) == cash + missing.get(visit_id, 0) >= 0
        if before:
            assert int(collected[visit_id]["sales_meter"]) == meter + yen(since)
        last[machine] = (start, int(collected[visit_id]["sales_meter"]))


def test_a_dead_machine_sells_nothing_and_its_files_arrive(
    unlucky: Path, lucky: Path, happened: dict[str, list[dict[str, str]]]
) -> None:
    assert {path.name for path in (unlucky / "sources").iterdir()} == {
        path.name for path in (lucky / "sources").iterdir()
    }
    tried = {}
    for dead in happened["dead"]:
        machine, begins, ends = dead["machine_id"], dead["began_at"], dead["ended_at"]
        during = [row for row in vends(unlucky, machine) if begins <= row["sold_at"] < ends]
        assert {row["status"] for row in during} <= {"failed"}
        would_have = [row for row in vends(lucky, machine) if begins <= row["sold_at"] < ends]
        assert int(dead["units"]) >= sum(int(row["quantity"]) for row in would_have if row["status"] == "completed") > 0
        tried[machine] = len(during) / len(would_have)
        before, after = (
            [row for row in vends(folder, machine) if row["sold_at"] < begins] for folder in (unlucky, lucky)
        )
        assert [row | {"unit_price": ""} for row in before] == [row | {"unit_price": ""} for row in after]
    assert {round(share, 1) for share in tried.values()} >= {0.0}
    assert any(0.2 < share < 0.5 for share in tried.values())


def test_a_wrong_price_is_paid_between_two_visits_and_only_then(
    unlucky: Path, lucky: Path, happened: dict[str, list[dict[str, str]]]
) -> None:
    visits = {(row["machine_id"], row["started_at"]) for row in table(unlucky / "truth/visits.csv")}
    right = {row["transaction_id"]: row for row in vends(lucky)}
    list_price = {(row["sold_at"][:10], row["product_id"]): row["unit_price"] for row in right.values()}
    wrong: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in vends(unlucky):
        if row["unit_price"] != list_price.get((row["sold_at"][:10], row["product_id"]), row["unit_price"]):
            wrong[row["machine_id"], row["product_id"]].append(row)
    planted = {(row["machine_id"], row["product_id"]): row for row in happened["wrong_price"] if row["units"] != "0"}
    assert wrong.keys() == planted.keys() != set()
    for key, incident in planted.items():
        assert {(key[0], incident["began_at"]), (key[0], incident["ended_at"])} <= visits
        assert all(incident["began_at"] <= row["sold_at"] < incident["ended_at"] for row in wrong[key])
        completed = [row for row in wrong[key] if row["status"] == "completed"]
        assert sum(int(row["quantity"]) for row in completed) == int(incident["units"])
        due = sum(int(row["quantity"]) * int(list_price[row["sold_at"][:10], key[1]]) for row in completed)
        assert yen(completed) - due == int(incident["yen"]) != 0


def test_nothing_is_wrong_with_the_files_themselves(unlucky: Path) -> None:
    for path in (unlucky / "sources").glob("*_VM017_*"):  # dead for a while, with a wrong price for another
        named = source_of(path.name)
        assert named is not None
        verdict = judge(path.name, path.read_bytes(), contracts()[named[0]])
        assert (verdict.outcome, verdict.bad_lines) == ("loaded", ()), path.name


def test_a_fleet_without_incidents_has_no_list_of_them(tmp_path: Path) -> None:
    generate(tmp_path, machines=3, days=9, seed=4)
    without = tree(tmp_path)
    generate(tmp_path, machines=3, days=9, seed=4, incidents=True)
    assert table(tmp_path / "truth/incidents.csv")
    assert tree(tmp_path) != without
    generate(tmp_path, machines=3, days=9, seed=4)
    assert tree(tmp_path) == without


def test_at_a_dead_machine_every_attempt_fails_or_is_not_recorded() -> None:
    dead = incidents.Incident(incidents.DEAD, begins=100, ends=200)
    # Two of the three that complete come while it is dead (at 100 and 150, with 2 + 1 units); at 200 it works again.
    attempts = Attempts(
        moment=np.array([99, 100, 150, 160, 200]),
        slot=np.array([0, 1, 2, 3, 4]),
        quantity=np.array([1, 2, 1, 1, 1]),
        payment=np.zeros(5, dtype=np.int64),
        status=np.array([COMPLETED, COMPLETED, COMPLETED, REFUNDED, COMPLETED]),
    )
    for tries, noted, status in [
        (0.0, [0, 4], [COMPLETED, COMPLETED]),
        (1.0, [0, 1, 2, 3, 4], [COMPLETED, FAILED, FAILED, FAILED, COMPLETED]),
    ]:
        planned = incidents.IncidentPlan(dead=dead, tries=tries)
        after, counted = incidents.while_it_works(attempts, planned, np.random.default_rng(1))
        assert after.slot.tolist() == noted
        assert after.status.tolist() == status
        assert counted.dead is not None
        assert counted.dead.units == 3


def test_a_wrong_price_is_that_of_one_product_from_its_first_second_to_before_its_last() -> None:
    wrong = incidents.Incident(incidents.WRONG_PRICE, begins=100, ends=200, product=5)
    planned = incidents.IncidentPlan(wrong_price=wrong, error=-30)
    moment, product = np.array([99, 100, 150, 199, 200]), np.array([5, 5, 6, 5, 5])
    charged = incidents.charged(np.full(5, 140), product, moment, planned)
    assert charged.tolist() == [140, 110, 140, 110, 140]
    # Two vends at it, of 1 + 2 units: 3 × −30 yen.
    (incident,) = incidents.as_they_went(planned, moment, product, np.array([1, 1, 1, 2, 1]))
    assert (incident.units, incident.yen) == (3, -90)
