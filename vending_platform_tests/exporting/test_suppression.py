"""No blanked figure can be worked out from the totals, by any arithmetic."""

from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vending_platform.catalog import Suppression
from vending_platform.exporting.suppression import hidden_rows
from vending_platform_tests.properties import examples

BELOW = 10


def hidden(cells: dict[tuple[str, str], int], *totals: str) -> set[tuple[str, str]]:
    table = pa.table(
        {
            "place": [place for place, _ in cells],
            "kind": [kind for _, kind in cells],
            "cases": pa.array(cells.values(), pa.int64()),
        }
    )
    rule = Suppression(count="cases", below=BELOW, columns=("cases",), totals=totals)
    return {cell for cell, is_hidden in zip(cells, hidden_rows(table, rule).to_pylist(), strict=True) if is_hidden}


def derivable(cells: dict[tuple[str, str], int], unknown: set[tuple[str, str]], *totals: str) -> set[tuple[str, str]]:
    """By linear algebra: each total that is published is an equation, and a cell is known where one with it alone
    follows from them."""
    place = {"place": 0, "kind": 1}
    lines = [list(cells)]
    for name in totals:
        values = {cell[place[name]] for cell in cells}
        lines += [[cell for cell in cells if cell[place[name]] == value] for value in values]
    known = [line for line in lines if sum(cells[cell] for cell in line) >= BELOW]
    order = sorted(unknown)
    rows = [[Fraction(cell in line) for cell in order] for line in known]
    rank = 0
    for column in range(len(order)):
        pivot = next((number for number in range(rank, len(rows)) if rows[number][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        rows[rank] = [value / rows[rank][column] for value in rows[rank]]
        for number, row in enumerate(rows):
            if number != rank and row[column]:
                rows[number] = [a - row[column] * b for a, b in zip(row, rows[rank], strict=True)]
        rank += 1
    return {order[row.index(Fraction(1))] for row in rows if sum(map(bool, row)) == 1}


@given(
    cells=st.dictionaries(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), st.integers(0, 25), min_size=1, max_size=16
    ),
    totals=st.sampled_from([(), ("place",), ("kind",), ("place", "kind")]),
)
@example(  # the total of a is not published, and what b and c leave of the grand total is 0
    cells={("a", "x"): 0, ("b", "x"): 10, ("b", "y"): 9, ("c", "w"): 1, ("c", "x"): 25, ("c", "y"): 9},
    totals=("place", "kind"),
)
@examples(150)
def test_no_small_cell_can_be_derived(cells: dict[tuple[str, str], int], totals: tuple[str, ...]) -> None:
    found = hidden(cells, *totals)
    small = {cell for cell, count in cells.items() if count < BELOW}
    assert small <= found
    derived = derivable(cells, found, *totals) & small
    # Only what the totals tell even if every single cell is blank is beyond help.
    assert derived <= derivable(cells, set(cells), *totals)
    if not small:
        assert found == set()


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        ((), {("a", "x"), ("b", "y")}),
        (("place",), {("a", "x"), ("a", "y")}),
        (("place", "kind"), {("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")}),
    ],
)
def test_each_total_needs_a_second_row(totals: tuple[str, ...], expected: set[tuple[str, str]]) -> None:
    cells = {("a", "x"): 3, ("a", "y"): 40, ("b", "x"): 50, ("b", "y"): 30}
    assert hidden(cells, *totals) == expected


def test_a_table_that_is_large_is_decided_quickly_enough_to_end() -> None:
    cells = {(f"p{p}", f"k{k}"): (p * 7 + k * 3) % 29 for p in range(20) for k in range(30)}
    found = hidden(cells, "place", "kind")
    assert len(found) < len(cells)
