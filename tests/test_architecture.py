"""The picture of the rooms is today's, and says what the imports say."""

import ast
import re
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from draw_architecture import PICTURE, draw, leave_out_implied, read_arrows, read_layers
from layered_layout import Node, place

PACKAGE = PICTURE.parents[1] / "pixelrl"
ROOMS = [["a"], ["b", "c"], ["d", "e", "f"], ["g", "h"], ["i"]]
ROW = {room: row for row, rooms in enumerate(ROOMS) for room in rooms}
DOWN = [(upper, lower) for upper in ROW for lower in ROW if ROW[upper] < ROW[lower]]
GRAPHS = st.sets(st.sampled_from(DOWN))


def reached(arrows: set[tuple[str, str]], room: str) -> set[str]:
    """List all rooms below one."""
    below = {lower for upper, lower in arrows if upper == room}
    return below.union(*(reached(arrows, each) for each in below))


def test_the_committed_picture_is_what_the_imports_give() -> None:
    told = "the imports have changed; run python docs/draw_architecture.py and look at it"
    assert PICTURE.read_text("utf-8") == draw(read_layers(), read_arrows()), told


def test_imports_between_rooms_are_found() -> None:
    arrows = read_arrows()
    assert {("cli", "experiments"), ("rl", "task"), ("task", "actions")} <= arrows
    assert {room for arrow in arrows for room in arrow} <= {r for row in read_layers() for r in row}


@given(GRAPHS)
def test_what_is_left_out_is_implied_and_nothing_else(arrows: set[tuple[str, str]]) -> None:
    kept = leave_out_implied(arrows)
    assert kept <= arrows
    for room in ROW:
        assert reached(kept, room) == reached(arrows, room)
    for arrow in kept:
        assert arrow[1] not in reached(kept - {arrow}, arrow[0])


@settings(max_examples=10)
@given(GRAPHS)
def test_no_two_of_a_row_touch_and_every_arrow_arrives(arrows: set[tuple[str, str]]) -> None:
    widths = dict.fromkeys(ROW, 40.0)
    layout = place(ROOMS, arrows, widths, gap=20)
    for one, other in combinations(layout.x, 2):
        if one.row == other.row:
            apart = (widths[one.name] * one.is_box + widths[other.name] * other.is_box) / 2
            assert abs(layout.x[one] - layout.x[other]) > apart
    for upper, lower in arrows:
        node = Node(upper, ROW[upper], is_box=True)
        while node.row < ROW[lower]:
            (node,) = (to for at, to in layout.links if at == node and to.name == lower)
        assert node == Node(lower, ROW[lower], is_box=True)


def test_a_tree_is_drawn_without_crossings() -> None:
    arrows = {("a", "b"), ("a", "c"), ("b", "f"), ("c", "d"), ("c", "e"), ("f", "g"), ("d", "h")}
    x = {node.name: at for node, at in place(ROOMS, arrows, dict.fromkeys(ROW, 40.0), 20).x.items()}
    order = [sorted(rooms, key=x.__getitem__) for rooms in (["b", "c"], ["f", "d"], ["g", "h"])]
    assert order in ([["b", "c"], ["f", "d"], ["g", "h"]], [["c", "b"], ["d", "f"], ["h", "g"]])


def names_in(source: str) -> set[str]:
    """List a module's functions and classes, and the methods of these."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{m.name}" for m in node.body if isinstance(m, ast.FunctionDef)}
    return found


def test_every_function_that_the_page_names_is_there() -> None:
    page = PICTURE.with_suffix(".md").read_text("utf-8")
    named = re.findall(r"`([a-z0-9_/]+\.py):([A-Za-z0-9_.]+)`", page)
    assert len(named) > 20
    for file, name in named:
        source = (PACKAGE / file).read_text("utf-8")
        assert name in names_in(source), f"docs/architecture.md: {file} has no {name}"
