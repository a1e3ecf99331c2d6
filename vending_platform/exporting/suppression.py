"""Which rows of an export are about too few, and which others have to be blanked so that no one can work them out.

Who knows the totals can take all other rows from them. So beside the small rows (`count` less than `below`) enough
others are hidden that each small one stays unknown: by the grand total, and by the totals of up to two dimensions that
the export declares (`totals`). A total that is itself less than `below` is never published, so no one has it.

Totals tell a hidden row exactly if and only if it is a bridge in the graph whose edges are the hidden rows and whose
nodes are the totals they are part of; totals that no one has are all one node.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from vending_platform.catalog import Suppression

_FREE = (-1, None)
"""The node of all totals that no one has."""
Node = tuple[int, object]


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
        while hidden and (more := self._one_more(hidden, order, lines)) is not None:
            hidden.add(more)
        return hidden

    def _one_more(self, hidden: set[int], order: Sequence[int], lines: Mapping[Node, Sequence[int]]) -> int | None:
        """The smallest row that has to be hidden too; None if each small one is safe, or nothing is left to hide."""
        for line in lines.values():
            of_line = [number for number in line if number in hidden]
            alone = len(of_line) == 1 or sum(self.counts[number] for number in of_line) < self.below
            if of_line and alone and (more := _first(order, hidden, set(line))) is not None:
                return more
        ends = self._ends(lines)
        for number in sorted(_bridges({number: ends[number] for number in hidden})):
            if self.counts[number] < self.below:
                near = {other for node in ends[number] for other in lines.get(node, ())}
                more = _first(order, hidden, near)
                return more if more is not None else _first(order, hidden, set(order))
        return None

    def _lines(self) -> dict[Node, list[int]]:
        """The rows of each total that is known."""
        lines: dict[Node, list[int]] = defaultdict(list)
        for place, values in enumerate(self.dimensions):
            for number, value in enumerate(values):
                lines[(place, value)].append(number)
        lines[(len(self.dimensions), None)] = list(range(len(self.counts)))  # last, as the others hide enough for it
        return {node: of for node, of in lines.items() if sum(self.counts[number] for number in of) >= self.below}

    def _ends(self, lines: Mapping[Node, Sequence[int]]) -> list[tuple[Node, Node]]:
        """Of each row the totals that it is part of: with two dimensions the grand total adds nothing to theirs."""
        grand: Node = (len(self.dimensions), None)
        columns = [[(place, value) for value in values] for place, values in enumerate(self.dimensions)]
        if len(columns) < 1:
            columns = [[grand] * len(self.counts)]
        if len(columns) < 2:
            columns.append([_FREE] * len(self.counts))
        pairs = zip(*columns, strict=True)
        return [(one if one in lines else _FREE, other if other in lines else _FREE) for one, other in pairs]


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
