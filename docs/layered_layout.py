"""Place a graph whose nodes stand on rows and whose arrows lead down: few crossings, few bends.

The steps are those of Sugiyama, Tagawa and Toda (1981): long arrows get a waypoint on every row
they pass, rows are ordered so that few arrows cross, and places are those of least squared bends
that keep the order. Arrows to the same box share their waypoints, so that they arrive as one.
Nothing but sums, products and quotients is computed, so that all machines find the same places.
"""

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

STARTS = 60
"""Random orders to begin from; the best end counts."""
SWEEPS = 12
SETTLED = 0.01
"""Places are improved until none moves farther than this in a round, in pixels."""
STRAIGHT = 40.0
"""How much more a bend between waypoints costs than one beside a box."""


class Node(NamedTuple):
    """A box, or a waypoint of the arrows to a box that stands farther down."""

    name: str
    row: int
    is_box: bool


class Layout(NamedTuple):
    """Hold where everything is.

    Attributes:
        x: the middle of every node, in pixels.
        links: from node to node, each one row down.
    """

    x: Mapping[Node, float]
    links: Sequence[tuple[Node, Node]]


def place(
    rows: Sequence[Sequence[str]],
    arrows: Collection[tuple[str, str]],
    widths: Mapping[str, float],
    gap: float,
) -> Layout:
    """Place every box of a layered graph, and the waypoints of its arrows.

    Args:
        rows: names of the boxes, top to bottom.
        arrows: pairs of names; the second stands below the first.
        widths: of the boxes, in pixels.
        gap: least distance between neighbors of a row, in pixels.
    """
    links = _links({name: row for row, names in enumerate(rows) for name in names}, arrows)
    nodes = {Node(name, row, is_box=True) for row, names in enumerate(rows) for name in names}
    nodes |= {node for link in links for node in link}
    ordered = _order([sorted(n for n in nodes if n.row == row) for row in range(len(rows))], links)
    return Layout(_settle(ordered, links, widths, gap), links)


def _links(
    row_of: Mapping[str, int], arrows: Collection[tuple[str, str]]
) -> list[tuple[Node, Node]]:
    """Cut arrows into links of one row each; those to the same box share their waypoints."""
    found = set()
    for upper, lower in arrows:
        above = Node(upper, row_of[upper], is_box=True)
        for row in range(row_of[upper] + 1, row_of[lower] + 1):
            below = Node(lower, row, is_box=row == row_of[lower])
            found.add((above, below))
            above = below
    return sorted(found)


def _order(rows: Sequence[Sequence[Node]], links: Sequence[tuple[Node, Node]]) -> list[list[Node]]:
    """Order every row so that few links cross."""
    rng = random.Random(0)
    near = _neighbors(links)
    best, fewest = [list(row) for row in rows], _crossings(rows, links)
    for _ in range(STARTS):
        order = [sorted(row, key=lambda _: rng.random()) for row in rows]
        for sweep in range(SWEEPS):
            downwards = sweep % 2 == 0
            for row in range(len(order)) if downwards else reversed(range(len(order))):
                fixed = row - 1 if downwards else row + 1
                if 0 <= fixed < len(order):
                    order[row] = _by_barycenter(order[row], order[fixed], near)
            crossings = _crossings(order, links)
            if crossings < fewest:
                best, fewest = [list(row) for row in order], crossings
    return best


def _by_barycenter(
    row: Sequence[Node], fixed: Sequence[Node], near: Mapping[Node, Sequence[Node]]
) -> list[Node]:
    """Order a row by the mean place of each node's neighbors in the row beside it."""
    at = {node: place for place, node in enumerate(fixed)}

    def mean(place: int, node: Node) -> float:
        places = [at[other] for other in near[node] if other in at]
        return sum(places) / len(places) if places else place

    keys = {node: mean(place, node) for place, node in enumerate(row)}
    return sorted(row, key=keys.__getitem__)


def _crossings(rows: Sequence[Sequence[Node]], links: Sequence[tuple[Node, Node]]) -> int:
    at = {node: place for row in rows for place, node in enumerate(row)}
    ends = defaultdict(list)
    for upper, lower in links:
        ends[upper.row].append((at[upper], at[lower]))
    return sum(
        (a - c) * (b - d) < 0
        for pairs in ends.values()
        for n, (a, b) in enumerate(pairs)
        for c, d in pairs[:n]
    )


def _settle(
    rows: Sequence[Sequence[Node]],
    links: Sequence[tuple[Node, Node]],
    widths: Mapping[str, float],
    gap: float,
) -> dict[Node, float]:
    """Find the places of least squared sideways distance over all links, row by row."""
    x: dict[Node, float] = {}
    offsets: dict[Node, float] = {}  # the least place that the row's order allows
    for row in rows:
        edge = 0.0
        for node in row:
            wide = widths[node.name] if node.is_box else 0.0
            offsets[node] = x[node] = edge + wide / 2
            edge += wide + gap
    near = _neighbors(links)
    moved = SETTLED
    while moved >= SETTLED:
        before = dict(x)
        for row in rows:
            pulls = [(_pull(node, near, x), node) for node in row]
            x.update(zip(row, _in_order(pulls, offsets), strict=True))
        moved = max(abs(x[node] - before[node]) for node in x)
    _straighten(rows, offsets, x)
    return x


def _straighten(
    rows: Sequence[Sequence[Node]], offsets: Mapping[Node, float], x: dict[Node, float]
) -> None:
    """Put all waypoints to a box on one line, wherever the rows have room for it."""
    chains: dict[str, list[Node]] = defaultdict(list)
    for node in x:
        if not node.is_box:
            chains[node.name].append(node)
    for _, chain in sorted(chains.items()):
        mean = sum(x[node] for node in chain) / len(chain)
        tried = {**x, **dict.fromkeys(chain, mean)}
        if all(
            tried[right] - tried[left] >= (offsets[right] - offsets[left]) / 2
            for row in rows
            for left, right in pairwise(row)
        ):
            x.update(dict.fromkeys(chain, mean))


def _pull(
    node: Node, near: Mapping[Node, Sequence[Node]], x: Mapping[Node, float]
) -> tuple[float, float]:
    """Tell where its neighbors pull a node, and how strongly."""
    if not near[node]:
        return x[node], 0.01
    weights = [1.0 if node.is_box or other.is_box else STRAIGHT for other in near[node]]
    total = sum(weight * x[other] for weight, other in zip(weights, near[node], strict=True))
    return total / sum(weights), sum(weights)


def _in_order(
    pulls: Sequence[tuple[tuple[float, float], Node]], offsets: Mapping[Node, float]
) -> list[float]:
    """Fulfil all pulls as far as order and gaps allow: isotonic regression, pooling neighbors."""
    pools: list[list[float]] = []  # sum of weight times place, of weights, number of nodes
    for (at, weight), node in pulls:
        pools.append([weight * (at - offsets[node]), weight, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    level = [total / weight for total, weight, count in pools for _ in range(int(count))]
    return [level + offsets[node] for level, (_, node) in zip(level, pulls, strict=True)]


def _neighbors(links: Sequence[tuple[Node, Node]]) -> dict[Node, list[Node]]:
    found: dict[Node, list[Node]] = defaultdict(list)
    for upper, lower in links:
        found[upper].append(lower)
        found[lower].append(upper)
    return found
