"""What a tidy fleet delivers keeps the contracts, and its books close to the last unit and the last yen."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from fleet_simulator import assortment

from .reading import contracts, judge, source_of, table, truth


@cache
def sales(data_dir: Path) -> list[dict[str, str]]:
    """In time order per machine."""
    return [row for path in sorted((data_dir / "sources").glob("sales_*")) for row in table(path)]


@cache
def refills(data_dir: Path) -> list[dict[str, str]]:
    return [row for path in sorted((data_dir / "sources").glob("replenishment_*")) for row in table(path)]


def yen(row: dict[str, str]) -> int:
    return int(row["quantity"]) * int(row["unit_price"]) if row["status"] == "completed" else 0


def test_every_file_fulfills_its_contract(tidy: Path) -> None:
    declared = contracts()
    seen = set()
    for path in (tidy / "sources").iterdir():
        content = path.read_bytes()
        named = source_of(path.name)
        assert named is not None, path.name
        seen.add(named[0])
        verdict = judge(path.name, content, declared[named[0]])
        assert (verdict.outcome, verdict.bad_lines) == ("loaded", ()), path.name
        header = ",".join(column["name"] for column in declared[named[0]]["columns"])
        assert content.startswith(f"{header}\n".encode())
        assert content.endswith(b"\n")
        assert b"\r" not in content
        assert b'"' not in content
    assert seen == set(declared)


def test_keys_are_unique_over_all_files(tidy: Path) -> None:
    for rows, key in ((sales(tidy), "transaction_id"), (refills(tidy), "record_id")):
        assert len({row[key] for row in rows}) == len(rows)


def test_rows_of_a_file_are_in_time_order_and_of_its_day(tidy: Path) -> None:
    for pattern, column in (("sales_*", "sold_at"), ("replenishment_*", "replenished_at")):
        for path in (tidy / "sources").glob(pattern):
            moments = [row[column] for row in table(path)]
            assert moments == sorted(moments)
            assert {moment[:10].replace("-", "") for moment in moments} <= {path.stem[-8:]}


def test_references_lead_to_the_masters(tidy: Path) -> None:
    masters = {
        name: {row[key] for row in table(tidy / "sources" / f"{name}.csv")}
        for name, key in (
            ("products", "product_id"),
            ("product_categories", "category_id"),
            ("staff", "staff_id"),
            ("payment_methods", "payment_method_id"),
            ("vending_machines", "machine_id"),
        )
    }
    sold, refilled = sales(tidy), refills(tidy)
    assert {row["product_id"] for row in sold + refilled} <= masters["products"]
    assert {row["payment_method_id"] for row in sold} == masters["payment_methods"]
    assert {row["machine_id"] for row in sold} == masters["vending_machines"]
    assert {row["staff_id"] for row in refilled} <= masters["staff"]
    categories = table(tidy / "sources/product_categories.csv")
    assert {row["parent_id"] for row in categories} - {""} <= masters["product_categories"]
    assert {row["category_id"] for row in table(tidy / "sources/products.csv")} <= masters["product_categories"]


@pytest.mark.parametrize("fleet", ["tidy", "autumn"])
def test_units_are_conserved_in_every_slot(fleet: str, request: pytest.FixtureRequest) -> None:
    data_dir = request.getfixturevalue(fleet)
    events: dict[tuple[str, str], list[tuple[str, dict[str, str]]]] = defaultdict(list)
    for row in sales(data_dir):
        events[row["machine_id"], row["slot_no"]].append((row["sold_at"], row))
    for row in refills(data_dir):
        events[row["machine_id"], row["slot_no"]].append((row["replenished_at"], row))
    slots = table(data_dir / "truth/slots.csv")
    assert {(slot["machine_id"], slot["slot_no"]) for slot in slots} >= events.keys()
    for slot in slots:
        held, product = int(slot["opening_units"]), slot["opening_product_id"]
        for moment, row in sorted(events[slot["machine_id"], slot["slot_no"]], key=lambda event: event[0]):
            if "status" in row:
                assert held > 0, moment
                assert row["product_id"] == product, moment
                held -= int(row["quantity"]) if row["status"] == "completed" else 0
                assert held >= 0, moment
                continue
            assert int(row["quantity_before"]) == held, moment
            if row["product_id"] != product:
                assert row["quantity_removed"] == row["quantity_before"]
            assert bool(row["removal_reason"]) == (row["quantity_removed"] != "0")
            held += int(row["quantity_added"]) - int(row["quantity_removed"])
            product = row["product_id"]
            assert 0 <= held <= int(slot["capacity"])
        assert held == int(slot["closing_units"])


def test_cash_and_meter_are_on_the_first_row_and_follow_the_sales(tidy: Path) -> None:
    by_machine: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in sales(tidy):
        by_machine[row["machine_id"]].append(row)
    opening = {machine["machine_id"]: machine["opening_meter"] for machine in truth(tidy)["machines"]}
    starts = {row["visit_id"]: row["started_at"] for row in table(tidy / "truth/visits.csv")}
    visits: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in refills(tidy):
        visits[row["visit_id"]].append(row)
    assert visits.keys() == starts.keys()

    last_visit: dict[str, str] = {}
    last_meter: dict[str, int] = {}
    for visit_id in sorted(visits, key=lambda visit_id: starts[visit_id]):
        first, *others = visits[visit_id]
        assert all(row["cash_collected"] == row["sales_meter"] == "" for row in others)
        machine, start = first["machine_id"], starts[visit_id]
        until_now = [row for row in by_machine[machine] if row["sold_at"] < start]
        since = [row for row in until_now if row["sold_at"] >= last_visit.get(machine, "")]
        assert int(first["cash_collected"]) == sum(yen(r) for r in since if r["payment_method_id"] == "PM01")
        assert int(first["sales_meter"]) == opening[machine] + sum(yen(row) for row in until_now)
        assert int(first["sales_meter"]) >= last_meter.get(machine, 0)
        last_visit[machine], last_meter[machine] = start, int(first["sales_meter"])


def test_no_one_buys_during_a_visit(tidy: Path) -> None:
    starts = {row["visit_id"]: row["started_at"] for row in table(tidy / "truth/visits.csv")}
    ends = {row["visit_id"]: (row["machine_id"], row["replenished_at"]) for row in refills(tidy)}
    sold: dict[str, list[str]] = defaultdict(list)
    for row in sales(tidy):
        sold[row["machine_id"]].append(row["sold_at"])
    for visit_id, (machine, end) in ends.items():
        assert not [moment for moment in sold[machine] if starts[visit_id] <= moment <= end]


@pytest.mark.parametrize("fleet", ["tidy", "autumn"])
def test_prices_change_on_the_day_in_the_truth(fleet: str, request: pytest.FixtureRequest) -> None:
    data_dir = request.getfixturevalue(fleet)
    changes: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for change in truth(data_dir)["price_changes"]:
        changes[change["product_id"]].append((change["effective_on"], change["old_price"], change["new_price"]))
    assert changes
    newest = {row["product_id"]: int(row["list_price"]) for row in table(data_dir / "sources/products.csv")}
    for row in sales(data_dir):
        price = newest[row["product_id"]]
        for effective_on, old, new in reversed(changes[row["product_id"]]):
            if row["sold_at"] < effective_on:
                assert price == new
                price = old
        assert int(row["unit_price"]) == price


def test_prices_are_revised_twice_in_a_year() -> None:
    built = assortment.build(7, date(2024, 1, 1), 366)
    assert len({change.effective_on for change in built.price_changes}) == 2
    newest = {product.product_id: product.list_price for product in built.products}
    for change in built.price_changes:
        assert change.new_price > change.old_price
        newest_of_change = [other for other in built.price_changes if other.product_id == change.product_id][-1]
        assert newest[change.product_id] == newest_of_change.new_price


def test_machines_come_go_and_fall_silent(tidy: Path) -> None:
    machines = {row["machine_id"]: row for row in table(tidy / "sources/vending_machines.csv")}
    days: dict[str, list[str]] = defaultdict(list)
    for path in sorted((tidy / "sources").glob("sales_*")):
        _, machine, day = path.stem.split("_")
        days[machine].append(f"{day[:4]}-{day[4:6]}-{day[6:]}")
    for machine, row in machines.items():
        assert days[machine][0] == max(row["installed_on"], "2024-03-01")
        assert days[machine][-1] == (row["removed_on"] or "2024-03-28")
    assert machines["VM004"]["installed_on"] > "2024-03-01"
    assert machines["VM006"]["status"] == "removed"
    assert "2024-03-01" < machines["VM006"]["removed_on"] < "2024-03-28"
    assert [row["machine_id"] for row in machines.values() if row["status"] == "maintenance"] == ["VM005"]
    silent_from = next(row["silent_from"] for row in truth(tidy)["machines"] if row["silent_from"])
    for day in days["VM005"]:
        path = tidy / "sources" / f"sales_VM005_{day.replace('-', '')}.csv"
        assert bool(table(path)) == (day < silent_from)
    removed = [row for row in table(tidy / "truth/slots.csv") if row["machine_id"] == "VM006"]
    assert {row["closing_units"] for row in removed} == {"0"}


def test_the_truth_is_consistent_with_itself_and_with_the_files(tidy: Path) -> None:
    known, sold = truth(tidy), sales(tidy)
    vends = table(tidy / "truth/vends.csv")
    assert [{**row, "dispensed": str(int(row["status"] == "completed"))} for row in sold] == vends
    for rows, key in ((known["days"], "business_day"), (known["machines"], "machine_id")):
        for row in rows:
            own = [s for s in sold if row[key] in (s["machine_id"], s["sold_at"][:10])]
            for status in ("completed", "refunded", "failed"):
                units = sum(int(s["quantity"]) for s in own if s["status"] == status)
                assert row[f"{status}_units"] == units
            assert row["completed_yen"] == sum(yen(s) for s in own)
    delivered = {row["name"]: row for row in table(tidy / "truth/deliveries.csv")}
    assert delivered.keys() == {path.name for path in (tidy / "sources").iterdir()}
    for name, row in delivered.items():
        rows = table(tidy / "sources" / name)
        assert int(row["rows_delivered"]) == int(row["rows_good"]) == len(rows)
        if row["source"] == "sales":
            assert int(row["yen_good"]) == sum(yen(s) for s in rows)
    assert table(tidy / "truth/missing.csv") == table(tidy / "truth/bad_rows.csv") == []
    assert known["counts"]["files"] == len(delivered)
    assert known["counts"]["bytes"] == sum(path.stat().st_size for path in (tidy / "sources").iterdir())


def test_a_slot_sells_nothing_while_it_is_empty(tidy: Path) -> None:
    stockouts = table(tidy / "truth/stockouts.csv")
    assert stockouts
    assert any(int(row["lost_units"]) for row in stockouts)
    moments: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in sales(tidy):
        moments[row["machine_id"], row["slot_no"]].append(row["sold_at"])
    for out in stockouts:
        sold = moments[out["machine_id"], out["slot_no"]]
        assert out["empty_from"] in sold
        assert not [moment for moment in sold if out["empty_from"] < moment < (out["empty_to"] or "9999")]


def test_jan_codes_have_their_check_digit_and_leading_zeros_count(tidy: Path) -> None:
    products = table(tidy / "sources/products.csv")
    codes = [row["jan_code"] for row in products]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert len(code) == 13
        assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(code)) % 10 == 0
    assert any(code.startswith("0") for code in codes)
    assert {row["slot_no"] for row in sales(tidy)} >= {"01", "02", "10"}


def test_masters_contain_characters_of_the_nec_and_ibm_extensions(tidy: Path) -> None:
    text = "".join((tidy / "sources" / f"{name}.csv").read_text("utf-8") for name in ("vending_machines", "staff"))
    assert "㈱" in text
    assert any(circled in text for circled in "①②③④⑤")
    assert "髙" in text or "﨑" in text
    for master in ("vending_machines", "staff", "products", "product_categories", "payment_methods"):
        (tidy / "sources" / f"{master}.csv").read_text("utf-8").encode("cp932")
