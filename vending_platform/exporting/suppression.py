"""Which rows of an export are about too few, and which others have to be blanked so that no one can work them out.

Who knows the totals can take all other rows from them. So beside the small rows (`count` less than `below`) enough
others are hidden that each small one stays unknown: by the grand total, and by the totals of up to two dimensions that
the export declares (`totals`). A total that is itself less than `below` is not published; but what all such totals of a
dimension come to together is known, as it is what the published ones leave of the grand total.

Totals tell a hidden row exactly if and only if it is a bridge in the graph whose edges are the hidden rows and whose
nodes are the totals they are part of; the unpublished totals of a dimension are one node. A row that is a bridge even
when every row is hidden can't be helped.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from vending_platform.catalog import Suppression

Node = tuple[int, object]
"""A total: the place of its dimension in the list, and the dimension's value."""


def hidden_rows(rows: pa.Table, rule: Suppression) -> pa.ChunkedArray:
    """Of each row whether it is blanked."""
    counts = [count or 0 for count in rows[rule.count].to_pylist()]
    dimensions = [rows[name].to_pylist() for name in rule.totals]
    hidden = _Hiding(counts, dimensions, rule.below).hidden()
    return pa.chunked_array([pa.array([number in hidden for number in range(len(counts))], pa.bool_())])


@dataclass(frozen=True)
class _Hiding:
    counts: Sequence[int]
    dimensions: Sequence[Sequence[object]]
    below: int

    def hidden(self) -> set[int]:
        hidden = {number for number, count in enumerate(self.counts) if count < self.below}
        visible = sorted((count, number) for number, count in enumerate(self.counts) if number not in hidden)
        order = [number for _, number in visible]
        lines = self._lines()
        ends = self._ends(lines)
        helped = hidden.difference(_bridges(dict(enumerate(ends))))
        while hidden and (more := self._one_more(hidden, helped, order, lines, ends)) is not None:
            hidden.add(more)
        return hidden

    def _one_more(
        self,
        hidden: set[int],
        helped: set[int],
        order: Sequence[int],
        lines: Mapping[Node, Sequence[int]],
        ends: Sequence[tuple[Node, Node]],
    ) -> int | None:
        """The smallest row that has to be hidden too; None if each that can be `helped` is safe."""
        for line in lines.values():
            of_line = [number for number in line if number in hidden]
            alone = len(of_line) == 1 or sum(self.counts[number] for number in of_line) < self.below
            if of_line and alone and (more := _first(order, hidden, set(line))) is not None:
                return more
        known = helped.intersection(_bridges({number: ends[number] for number in hidden}))
        if not known:
            return None
        near = {other for node in ends[min(known)] for other in lines.get(node, ())}
        more = _first(order, hidden, near)
        return more if more is not None else _first(order, hidden, set(order))

    def _lines(self) -> dict[Node, list[int]]:
        """The rows of each total that is published."""
        lines: dict[Node, list[int]] = defaultdict(list)
        for place, values in enumerate(self.dimensions):
            for number, value in enumerate(values):
                lines[(place, value)].append(number)
        lines[(len(self.dimensions), None)] = list(range(len(self.counts)))  # last, as the others hide enough for it
        return {node: of for node, of in lines.items() if sum(self.counts[number] for number in of) >= self.below}

    def _ends(self, lines: Mapping[Node, Sequence[int]]) -> list[tuple[Node, Node]]:
        """Of each row the two totals that it is part of."""
        columns: list[list[Node]] = [
            [(place, value) if (place, value) in lines else (~place, None) for value in values]  # unpublished: one node
            for place, values in enumerate(self.dimensions)
        ]
        while len(columns) < 2:
            columns.append([(len(columns), None)] * len(self.counts))  # every row is part of the grand total
        return list(zip(*columns, strict=True))


def _first(order: Sequence[int], hidden: set[int], among: set[int]) -> int | None:
    return next((number for number in order if number not in hidden and number in among), None)


def _bridges(edges: Mapping[int, tuple[Node, Node]]) -> Iterator[int]:
    """The edges that are on no cycle. Two between the same nodes are a cycle, and so is one from a node to itself."""
    neighbours: dict[Node, list[tuple[int, Node]]] = defaultdict(list)
    for number, (one, other) in edges.items():
        neighbours[one].append((number, other))
        neighbours[other].append((number, one))
    found: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    for root in list(neighbours):
        if root in found:
            continue
        found[root] = lowest[root] = len(found)
        path: list[tuple[Node, int | None, Iterator[tuple[int, Node]]]] = [(root, None, iter(neighbours[root]))]
        while path:
            node, came_by, rest = path[-1]
            step = next(rest, None)
            if step is None:
                path.pop()
                if path and came_by is not None:
                    before = path[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                    if lowest[node] > found[before]:
                        yield came_by
                continue
            number, other = step
            if number == came_by:
                continue
            if other in found:
                lowest[node] = min(lowest[node], found[other])
            else:
                found[other] = lowest[other] = len(found)
                path.append((other, number, iter(neighbours[other])))
